"""What a request through the gate costs, against the same request without it.

    python tests/bench/egress.py

Server, gate and client are three processes on the loopback, so the network takes no time at all: the ratios are the
worst there can be, the milliseconds are what is added to any request.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from agentrt.egress import Authority, Gate, hold
from agentrt.records import Admission, Request, Secret

_SERVER = """
import asyncio, ssl, sys
BIG = b"x" * (64 << 20)
async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            body = BIG if b" /big " in head.split(b"\\r\\n")[0] else b"hello"
            writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body))
            writer.write(body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    servers = [await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) for tls in (None, context)]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
_CLIENT = """
import http.client, json, ssl, statistics, sys, time
scheme, port, proxy, bundle = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
context = ssl.create_default_context(cafile=bundle) if scheme == "https" else None
def connect():
    at = proxy or port
    made = http.client.HTTPSConnection("127.0.0.1", at, context=context) if context else http.client.HTTPConnection("127.0.0.1", at)
    if proxy and context: made.set_tunnel("127.0.0.1", port)
    return made
prefix = f"http://127.0.0.1:{port}" if proxy and not context else ""
host = {"Host": f"127.0.0.1:{port}"}
def get(connection, path):
    started = time.perf_counter()
    connection.request("GET", prefix + path, headers=host)
    answer = connection.getresponse()
    while answer.read(1 << 20): pass
    assert answer.status == 200
    return (time.perf_counter() - started) * 1000
fresh = []
for _ in range(60):
    started = time.perf_counter()
    connection = connect()
    get(connection, "/")
    fresh.append((time.perf_counter() - started) * 1000)
    connection.close()
connection = connect()
get(connection, "/")
again = [get(connection, "/") for _ in range(300)]
big = [get(connection, "/big") for _ in range(5)]
print(json.dumps([statistics.median(fresh[10:]), statistics.median(again), 64000 / statistics.median(big)]))
"""


async def main() -> None:
    authority, outer = Authority(), Authority()
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder, "bundle.pem")
        bundle.write_bytes(authority.certificate + outer.certificate)
        os.environ["SSL_CERT_FILE"] = str(bundle)
        chain = Path(folder, "server.pem")
        chain.write_bytes(_certificate(outer))
        server = subprocess.Popen([sys.executable, "-c", _SERVER, str(chain)], stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        http, https = map(int, server.stdout.readline().split())
        try:
            guarded = {
                "secrets": hold(Secret(name=f"S{n}", value=os.urandom(16).hex(), hosts=("a.test",)) for n in range(5)),
                "canaries": {f"c{n}": os.urandom(16).hex().encode() for n in range(5)},
            }
            print(f"{'':<34}{'first, ms':>12}{'next, ms':>12}{'MB/s':>8}")
            for title, scheme, port, verdict, options in (
                ("http", "http", http, None, {}),
                ("http, gate", "http", http, "allow", {}),
                ("http, gate, 5 secrets, 5 canaries", "http", http, "allow", guarded),
                ("https", "https", https, None, {}),
                ("https, gate, closed", "https", https, "allow", {}),
                ("https, gate, opened", "https", https, "inspect", {}),
            ):
                fresh, again, speed = await _measure(scheme, port, verdict, authority, bundle, options)
                print(f"{title:<34}{fresh:>12.2f}{again:>12.2f}{speed:>8.0f}")
        finally:
            server.kill()
            server.wait()


async def _measure(scheme, port, verdict, authority, bundle, options) -> list[float]:
    def admit(request: Request) -> Admission:
        said = "allow" if request.path is not None else verdict
        return Admission(verdict=said, rule="bench", private=True)

    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        async with Gate(admit, authority=authority, **options) as gate:
            proxy = 0
            if verdict is not None:
                gate.start(listener)
                proxy = listener.getsockname()[1]
            rounds = []
            for _ in range(3):
                client = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-c", _CLIENT, scheme, str(port), str(proxy), str(bundle)),
                    stdout=asyncio.subprocess.PIPE,
                )
                printed, _ = await client.communicate()
                rounds.append(json.loads(printed))
            return [statistics.median(column) for column in zip(*rounds, strict=True)]


def _certificate(authority: Authority) -> bytes:
    from cryptography.hazmat.primitives import serialization as form

    key = authority._leaf_key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    return key + authority._leaf("127.0.0.1").public_bytes(form.Encoding.PEM)


if __name__ == "__main__":
    asyncio.run(main())
