# Writes other identities into the maps of its user namespace.
from prelude import attempt, out

for process in ("self", "1"):
    for name, text in (
        ("setgroups", "allow"),
        ("uid_map", "0 0 4294967295"),
        ("gid_map", "0 0 4294967295"),
    ):
        with attempt():
            with open(f"/proc/{process}/{name}", "w") as file:
                file.write(text)
            out(f"wrote {name} of {process}")
print("tried")
