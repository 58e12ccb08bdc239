# Sends datagrams to the machine, to all of the network and to a group, by bash and by Python.
for host in 127.0.0.1 localhost 0.0.0.0 "$ADDRESS"; do
    echo "$MARK" > "/dev/udp/$host/$UDP4"
    (echo "$MARK" > "/dev/tcp/$host/$TCP4") && echo "got out: connected"
done 2>&1
python3 - <<'CODE'
import os, socket
for family, hosts in ((socket.AF_INET, ("127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", os.environ["ADDRESS"])),
                      (socket.AF_INET6, ("::1", "ff02::1", "ff01::1", "::ffff:127.0.0.1"))):
    for host in hosts:
        for port in (os.environ["UDP4"], os.environ.get("UDP6", "9"), "5353", "1900"):
            with socket.socket(family, socket.SOCK_DGRAM) as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                try:
                    one.sendto(b"x", (host, int(port)))
                except OSError as error:
                    print(host, error)
CODE
echo tried
