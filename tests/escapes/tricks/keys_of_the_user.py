# Reads the secrets that the kernel keeps for the user's login.
import ctypes

from prelude import MARK, attempt, call, out

SESSION, USER, USER_SESSION, PROCESS, THREAD = -3, -4, -5, -2, -1
SEARCH, READ, JOIN, LINK, PERSISTENT = 10, 11, 1, 8, 22
space = ctypes.create_string_buffer(256)
for ring in (SESSION, USER, USER_SESSION, PROCESS, THREAD):
    with attempt():
        out(f"found {call('keyctl', SEARCH, ring, b'user', b'agentrt-test', 0)}")
    with attempt():
        call("keyctl", READ, call("keyctl", SEARCH, ring, b"user", b"agentrt-test", 0), space, 256)
        print(space.raw)
    with attempt():
        call("keyctl", READ, ring, space, 256)
        out(f"read {space.raw[:16]!r}")
    with attempt():
        out(f"added {call('add_key', b'user', MARK.encode(), b'x', 1, ring)}")
    with attempt():
        out(f"asked for {call('request_key', b'user', b'agentrt-test', MARK.encode(), ring)}")
with attempt():
    out(f"joined {call('keyctl', JOIN, b'_ses')}")
with attempt():
    out(f"persistent {call('keyctl', PERSISTENT, -1, SESSION)}")
print("tried")
