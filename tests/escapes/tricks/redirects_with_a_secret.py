# Is led away by the host a secret is for, with the placeholder in hand: to another host, to this machine.
# network: held
import os
import urllib.request

from prelude import TOLD, attempt

os.environ["no_proxy"] = os.environ["NO_PROXY"] = ""
keeper = f"http://keeper.test:{TOLD['KEEPER']}"
for header in ("Authorization", "X-Key"):
    for place in (f"http://api.test:{TOLD['WEB']}/%61stray", f"http://127.0.0.1:{TOLD['WEB']}/%61stray", f"http://keeper.test:{TOLD['WEB']}/x",
                  f"https://opened.test:{TOLD['TLS']}/open/%61stray", f"http://inward.test:{TOLD['TCP4']}/",
                  f"http://api.test:{TOLD['WEB']}/%61stray?{TOLD['SERVICE_KEY']}"):  # fmt: skip
        request = urllib.request.Request(f"{keeper}/to?{place}", headers={header: f"Bearer {TOLD['SERVICE_KEY']}"})
        with attempt():
            print(urllib.request.urlopen(request, timeout=5).read())
print("tried")
