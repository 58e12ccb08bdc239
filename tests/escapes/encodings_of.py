"""How a secret may be printed: plainly, and in the ways that come to mind first."""

from __future__ import annotations

from base64 import b64encode


def encodings(secret: str) -> dict[str, bytes]:
    plain = secret.encode()
    found = {"as it is": plain, "backwards": plain[::-1], "in hexadecimal": plain.hex().encode()}
    found |= {"in capitals": plain.upper(), "spaced out": " ".join(secret).encode()}
    for before in range(3):  # where in a group of three bytes it begins
        # What stands before and after it has a part in the first and the last letters.
        found[f"in base 64, {before} bytes in"] = b64encode(b"x" * before + plain)[4:-4]
    return found
