# Gets a handle on processes outside, takes their open files by it and sends them signals.
from prelude import TOLD, attempt, call, numbers, out

for number in numbers():
    with attempt():
        handle = call("pidfd_open", number, 0)
        for file in [*map(int, TOLD["DESCRIPTORS"].split()), *range(8)]:
            with attempt():
                call("pidfd_getfd", handle, file, 0)
                out(f"took file {file} of {number}")
        if number not in (1,):
            with attempt():
                call("pidfd_send_signal", handle, 28, 0, 0)
print("tried")
