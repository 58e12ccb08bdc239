# Leaves a daemon behind, twice forked and in a session of its own, that writes when the action is over.
# then: again
import os
import time

from prelude import MARK, TOLD

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(3):
            os.close(number)
        os.chdir("/")
        for _ in range(100):
            time.sleep(0.05)
            for path in ("late", "../late", "src/late", "/tmp/late"):
                try:
                    with open(os.path.join(TOLD["WORKSPACE"], path), "a") as file:
                        file.write(MARK)
                except OSError:
                    pass  # as it is to be: it gets nowhere
    os._exit(0)
os.wait()
print("tried")
