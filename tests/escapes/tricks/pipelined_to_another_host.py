# Asks an allowed host, and then another one over the same connection.
# network: open
from prelude import TOLD, connect, get, reached, say

first = get(f"http://api.test:{TOLD['WEB']}/")
reached(first)
for second in (
    get(f"http://other.test:{TOLD['WEB']}/astray"),
    get(f"http://inward.test:{TOLD['TCP4']}/astray"),
    b"GET /astray HTTP/1.1\r\nHost: api.test\r\n\r\n",
    f"GET http://api.test:{TOLD['WEB']}/astray HTTP/1.1\r\nHost: other.test\r\n\r\n".encode(),
    connect(f"inward.test:{TOLD['TCP4']}"),
    connect(f"api.test:{TOLD['WEB']}") + get(f"http://api.test:{TOLD['WEB']}/astray"),
    b"astray\r\n\r\n",
):
    print(say(first + second + get(f"http://other.test:{TOLD['WEB']}/astray"))[-200:])
print("tried")
