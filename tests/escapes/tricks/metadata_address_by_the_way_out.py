# Asks the way out for where clouds hand out keys, by every spelling and by names that lead there.
# network: open
from prelude import connect, get, never

for host in ("169.254.169.254", "169.254.169.254.", "2852039166", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376",
             "025177524776", "169.254.43518", "169.16689662", "169.254.169.254.nip.io", "[::ffff:169.254.169.254]",
             "[::ffff:a9fe:a9fe]", "[::a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::1]", "[fd00:ec2::254]",
             "[fe80::a9fe:a9fe%eth0]", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16",
             "metadata.google.internal", "metadata", "instance-data", "metadata.test", "METADATA.test.", "7147006462",
             "\uff11\uff16\uff19.254.169.254", "169\u3002254\u3002169\u3002254", "169.254.169.254%00.api.test"):  # fmt: skip
    raw = host.encode().decode("latin-1")
    for suffix in ("", ":80"):
        never(get(f"http://{raw}{suffix}/latest/meta-data/astray", "Metadata-Flavor: Google", "Connection: close"))
    never(get(f"http://{raw}/latest/api/token", method="PUT", body=b""), connect(f"{raw}:80"), connect(f"{raw}:443"))
print("tried")
