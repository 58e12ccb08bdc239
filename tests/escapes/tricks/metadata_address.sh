# Asks the cloud who the machine is, at the addresses where clouds answer.
for host in 169.254.169.254 169.254.170.2 100.100.100.200 metadata.google.internal 192.0.0.192; do
    (exec 9<> "/dev/tcp/$host/80") && echo "got out: connected to $host"
done 2>&1
python3 - <<'CODE'
import socket
for host in ("fd00:ec2::254", "169.254.169.254", "0251.0376.0251.0376", "2852039166", "::ffff:169.254.169.254"):
    try:
        socket.create_connection((host, 80), 1)
        print("got out: connected to", host)
    except OSError as error:
        print(host, error)
CODE
echo tried
