# Follows the allowed host wherever it leads: to this machine, to where keys are handed out, to another host.
# network: open
# The server reads percent signs once; so what is asked of it does not look as if it had gone astray.
import os
import urllib.request

from prelude import TOLD, out

os.environ["no_proxy"] = os.environ["NO_PROXY"] = ""
web = f"http://api.test:{TOLD['WEB']}"
assert urllib.request.urlopen(f"{web}/", timeout=5).read() == b"hello"
for place in (f"http://127.0.0.1:{TOLD['TCP4']}/", f"http://inward.test:{TOLD['TCP4']}/", f"http://[::1]:{TOLD.get('TCP6', 80)}/",
              "http://169.254.169.254/latest/", "http://metadata.test/", f"http://other.test:{TOLD['WEB']}/%61stray",
              f"//other.test:{TOLD['WEB']}/%61stray", f"https://other.test:{TOLD['TLS']}/%61stray", f"{web}@other.test/%61stray",
              f"https://opened.test:{TOLD['TLS']}/%61stray", f"ftp://api.test:{TOLD['WEB']}/%61stray"):  # fmt: skip
    try:
        out(urllib.request.urlopen(f"{web}/to?{place}", timeout=5).read())
    except OSError as error:
        print(place, error)
        if getattr(error, "code", None) == 502:
            out(f"{place} was tried")
print("tried")
