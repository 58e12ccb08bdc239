# Sends a secret's placeholder to another host where no value is ever put in: as the name of a header, as the method.
# network: held
from prelude import TOLD, get, say

key, url = TOLD["SERVICE_KEY"], f"http://api.test:{TOLD['WEB']}/"
for request in (get(url, f"{key}: x"), get(url, f"X-{key}: x"), get(url, method=key)):
    print(say(request)[:80])
print("tried")
