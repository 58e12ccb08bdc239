# Has names carried out by apply that are taken apart wrongly: line ends, escapes, dashes, bytes that are no text.
# then: again, apply
import os

from prelude import MARK, TOLD, attempt

home = TOLD["HOST_HOME"].encode()
for name in (
    b"new\nline", b"new\n" + b"..", b"\n..\n", b"a\\..\\..\\neighbour", b"-rf", b"--rest", b"~", b"$HOME", b"`touch x`",
    b"$(touch x)", b"\xff\xfe", b"\x1b]0;x\x07", b"..\n", b".. ", b"...", b"con", b" ", b"\t", b"%2e%2e", b"a;b", b"*",
    b"\xe2\x80\xae", b"\xed\xb2\x80", b"|", b"'", b'"', b"\r", b"file\n" + home.replace(b"/", b"\\") + b"\n", b"x" * 255,
):  # fmt: skip
    with attempt(), open(name, "w") as file:
        file.write(MARK)
    with attempt():
        os.makedirs(b"folder " + name[:200])
        os.symlink(home, b"folder " + name[:200] + b"/link")
deep = b"/".join([b"d" * 200] * 40)
here = os.open(".", os.O_RDONLY)
for part in deep.split(b"/"):
    with attempt():
        os.mkdir(part)
    os.chdir(part)
with attempt(), open("bottom", "w") as file:
    file.write(MARK)
os.fchdir(here)
print("tried")
