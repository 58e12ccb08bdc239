# Writes hosts with characters that one reader takes for their end and another does not.
# network: open
from prelude import TOLD, never

web, inward = f"api.test:{TOLD['WEB']}", f"inward.test:{TOLD['TCP4']}"
between = ("\0", "\r", "\n", "\t", " ", "@", "#", "\\", "%", "%00", "%2f", "%23", "%40", "%0d%0a", "?", "/", ";", ",", "|",
           "\x7f", "\x85", "\xa0", "\xad", "..", ":", "[", "]", "\xe3\x80\x82", "_", "*", "\xff", "+", "&", "'", '"')  # fmt: skip
for character in between:
    for text in (
        f"other.test{character}{web}",
        f"{inward}{character}{web}",
        f"api.test{character}.other.test:{TOLD['WEB']}",
    ):
        if character in "/?":  # of the first it is the end
            text = f"other.test{character}@{web}"
        target = f"http://{text}/astray"
        # With the same host, so that this is nothing to refuse it for; and with the one that is allowed.
        for host in (text, web):
            never(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1"))
        never(f"CONNECT {text} HTTP/1.1\r\nHost: {web}\r\n\r\n".encode("latin-1"))
for url in (f"http:///{web}/astray", f"http:/{web}/astray", f"http:{web}/astray", f"//{web}/astray", f"http://x:y@{web}/astray",
            f"ftp://{web}/astray", f"gopher://{web}/astray", f"file://{web}/etc/passwd", f"https://{web}/astray",
            f"http:\\\\{web}\\astray", f"http://{web}#@other.test/astray", f"http://[{web}]/astray", "http://:80/", "http://"):  # fmt: skip
    never(f"GET {url} HTTP/1.1\r\nHost: {web}\r\n\r\n".encode())
for authority in ("api.test", "api.test:", "api.test:0", "api.test:65536", "api.test:-1", "api.test:+80", "api.test:0x50",
                  f"api.test:{TOLD['WEB']}:{TOLD['TCP4']}", f"api.test:{TOLD['WEB']}/", ":80", "*:80"):  # fmt: skip
    never(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
print("tried")
