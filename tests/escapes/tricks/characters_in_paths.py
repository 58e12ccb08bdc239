# Climbs out of the paths that are allowed, in every disguise; puts line breaks and NULs into them.
# network: open
from prelude import TOLD, attempt, opened

there = f"opened.test:{TOLD['TLS']}"


def ask(path, *more):
    lines = [f"GET {path} HTTP/1.1", f"Host: {there}", *more, "Connection: close", "", ""]
    return opened("\r\n".join(lines).encode("latin-1"))


assert b" 200 " in ask("/open/x"), "this one is allowed"
ups = ("..", "%2e%2e", ".%2e", "%2E.", "%252e%252e", "..;", "..;x=y", "..%00", "%c0%ae%c0%ae", "..%0a", "..\\", "..%5c",
       "%u002e%u002e", "..%3b", "..#", "..?", "x%2f..%2f..", "..%2f..", "%2f..", ".%00.", "%2e%2e%3bx")  # fmt: skip
for up in ups:
    for path in (f"/open/{up}/climbed", f"/open//{up}/climbed", f"/open/x/{up}/{up}/climbed", f"/open/{up}%2fclimbed",
                 f"/open/{up}\\climbed", f"/open/{up}%5cclimbed", f"/open/{up}"):  # fmt: skip
        with attempt():
            ask(path)
for path in ("/astray", "/Open/astray", "/openastray", "//open/astray", "/%6fpen/../astray", "/x/open/astray", "astray",
             "/open/\0astray", "/open/ /astray", "/open/\tastray", "/open/\x7fastray", "/open/\xffastray",
             "/open/%0d%0aastray", "/open/%00astray", "/open/%astray", "/open/%zzastray", "/open/x HTTP/1.1\r\nX: astray\r\n\r\n",
             "/open/x\rX: astray", "/open/x#astray", "/open;/../astray"):  # fmt: skip
    with attempt():
        print(path, ask(path)[:100])
print("tried")
