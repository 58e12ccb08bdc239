# Speaks to the services of the user's session and of the machine: keys, the bus, containers, the display.
import os
import socket

from prelude import attempt, out

me = os.getuid()
paths = [
    os.environ.get(name, "").removeprefix("unix:path=")
    for name in ("SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "DOCKER_HOST")
]
paths += ["/run/docker.sock", "/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/dbus/system_bus_socket"]
paths += [
    "/run/systemd/private",
    f"/run/user/{me}/bus",
    f"/run/user/{me}/systemd/private",
    "/tmp/.X11-unix/X0",
    "/dev/log",
]
paths += [
    "/run/systemd/journal/socket",
    "/run/nscd/socket",
    "/run/podman/podman.sock",
    f"/run/user/{me}/gnupg/S.gpg-agent",
]
for path in filter(None, paths):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with attempt(), socket.socket(socket.AF_UNIX, kind) as one:
            one.connect(path)
            out(f"connected to {path}")
print("tried")
