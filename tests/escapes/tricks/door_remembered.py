# Keeps the number of the way out, to use it in the next action without having been told; and its neighbours.
# network: open
# then: again
import socket

from prelude import TOLD, attempt, get, never, out

mine = int(TOLD["http_proxy"].rpartition(":")[2])
if TOLD["STEP"] == "2":
    with open("remembered") as file:
        port = int(file.read())
    # What is said there is said by this action, and told of as its own (the runner counts), or to nobody.
    for words in (get(f"http://api.test:{TOLD['WEB']}/"), get(f"http://other.test:{TOLD['WEB']}/astray")):
        with attempt(), socket.create_connection(("127.0.0.1", port), 2) as stream:
            stream.sendall(words)
            stream.shutdown(socket.SHUT_WR)
            print(stream.recv(4096)[:100])
with open("remembered", "w") as file:
    file.write(str(mine))
for port in range(1, 65536):
    if port != mine:
        with socket.socket() as one:
            # Now and then one meets itself.
            if one.connect_ex(("127.0.0.1", port)) == 0 and one.getsockname() != one.getpeername():
                out(f"somebody listens on {port}")
never(get(f"http://other.test:{TOLD['WEB']}/astray"))
print("tried")
