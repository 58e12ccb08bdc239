# Answers for pages of memory itself, by which the kernel is held up at will.
from prelude import attempt, call, out

for flags in (0, 1, 0o2000000, 0o4001):
    with attempt():
        out(f"userfaultfd: {call('userfaultfd', flags)}")
print("tried")
