# Changes folders for links to the home, and back, while files beneath them are being written.
# then: apply
import contextlib
import os
import threading
import time

from prelude import MARK, TOLD

until = time.monotonic() + 0.4
os.makedirs("race", exist_ok=True)


def flip():
    while time.monotonic() < until:
        for target in (TOLD["HOST_HOME"], "../../home", TOLD["GROUND"]):
            for call in (lambda: os.rename("src", "aside"), lambda target=target: os.symlink(target, "src")):
                with contextlib.suppress(OSError):
                    call()
            for call in (lambda: os.unlink("src"), lambda: os.rename("aside", "src")):
                with contextlib.suppress(OSError):
                    call()


thread = threading.Thread(target=flip)
thread.start()
while time.monotonic() < until:
    for path in ("src/main.py", "src/.bashrc", "src/neighbour", f"src/{MARK}"):
        try:
            with open(path, "a") as file:
                file.write(MARK)
        except OSError:
            pass  # as it is to be: it gets nowhere
thread.join()
print("tried")
