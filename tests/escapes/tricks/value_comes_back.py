# Has the host a secret is for say it again: plainly, in base64 and hex, a byte at a time, in a header, in what is broken.
# network: held
from prelude import TOLD, get, reached, say

key, keeper = TOLD["SERVICE_KEY"], f"http://keeper.test:{TOLD['KEEPER']}"
reached(get(f"{keeper}/", f"Authorization: Bearer {key}"))
for how in ("plain", "base64", "hex", "chunks", "header", "broken"):
    for more in ((), ("Accept-Encoding: gzip",), ("Range: bytes=8-40", "TE: trailers")):
        answer = say(get(f"{keeper}/back/{how}", f"Authorization: Bearer {key}", *more))
        # Twice: backwards it is none of the runtime's, who hides values in what actions print.
        print(answer, answer[::-1])
    answer = say(get(f"{keeper}/back/{how}?{key}", method="POST", body=f"a {key} b".encode()))
    print(answer, answer[::-1])
answer = say(get(f"{keeper}/to?http://api.test:{TOLD['WEB']}/{key}"))
print(answer, answer[::-1])
print("tried")
