# Knocks at the way out more often than it has room for, says nothing or half a request, and asks in between.
# network: open
from prelude import TOLD, attempt, connect, door, get, never, reached

held = []
starts = (b"", b"GET http://api.te", connect(f"api.test:{TOLD['TLS']}"), get(f"http://other.test:{TOLD['WEB']}/astray"),
          connect(f"api.test:{TOLD['TLS']}") + b"\x16\x03\x01")  # fmt: skip
for number in range(200):
    with attempt():
        held.append(door(seconds=0.1 if number > 64 else 5))
        held[-1].sendall(starts[number % len(starts)])
    if number > len(held) + 5:
        break  # nobody is let in any more
for one in held:
    one.close()
reached(get(f"http://api.test:{TOLD['WEB']}/"))  # there is room again
never(get(f"http://other.test:{TOLD['WEB']}/astray"), connect(f"inward.test:{TOLD['TCP4']}"))
print("tried")
