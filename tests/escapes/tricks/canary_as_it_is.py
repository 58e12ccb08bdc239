# Sends a planted file as it is, and then asks for more, over new and open connections.
# network: held
import time

from prelude import TOLD, canary, door, get, reached, rest, say

url = f"http://api.test:{TOLD['WEB']}/"
reached(get(url))
with door() as kept:
    kept.sendall(get(url))
    print(kept.recv(4096)[:20])
    print(say(get(url, method="POST", body=canary(whole=True)))[:100])
    time.sleep(0.1)
    for again in (
        get(url + "astray"),
        get(f"http://keeper.test:{TOLD['KEEPER']}/astray"),
        get("http://other.test/astray"),
    ):
        print(say(again)[:100])
    try:
        kept.sendall(get(url + "astray"))
    except OSError as error:
        print(error)
    print(rest(kept)[:100])
print("tried")
