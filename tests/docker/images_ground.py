"""Images for tests, built on the one that is there, and a registry on the loopback to pull from."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import docker

BASE = "agentrt-test:1"
"""Debian with a Python, and nothing else."""


@contextmanager
def building(engine: docker.DockerClient) -> Iterator[Callable[..., str]]:
    """``make(dockerfile, files)`` gives the id of an image on ``BASE``, unlike any other. All go at the end."""
    made: list[str] = []

    def make(text: str, files: Mapping[str, bytes] | None = None) -> str:
        # With layers of its own: those that another test shares would go while this one builds on them.
        text = f"FROM {BASE}\nLABEL test={os.urandom(8).hex()}\n{text}"
        tag = f"dkimages-{os.getpid()}-{len(made)}"
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as tar:
            for name, content in {"Dockerfile": text.encode(), **(files or {})}.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), 0o755
                tar.addfile(member, io.BytesIO(content))
        context.seek(0)
        image, _ = engine.images.build(
            fileobj=context, custom_context=True, tag=tag, rm=True, forcerm=True, network_mode="none"
        )
        made.append(tag)
        return str(image.id)

    try:
        yield make
    finally:
        for tag in made:
            engine.images.remove(tag, force=True)


def left(engine: docker.DockerClient, image: str) -> list[str]:
    """Containers of an image that are still there."""
    return [str(held.id) for held in engine.containers.list(all=True, filters={"ancestor": image})]


class Registry:
    """One image, ``repo:tag`` any; or one refusal for whatever is asked: status, code, message."""

    def __init__(self, layers: list[bytes], refusal: tuple[int, str, str] | None = None) -> None:
        self.blobs: dict[str, bytes] = {}
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/usr/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [self._add(layer) for layer in layers]},
        }
        digests = list(self.blobs)
        self._config = self._add(json.dumps(config).encode())
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": self._part("application/vnd.docker.container.image.v1+json", self._config),
            "layers": [self._part("application/vnd.docker.image.rootfs.diff.tar", digest) for digest in digests],
        }
        self.manifest, self.refusal = json.dumps(manifest).encode(), refusal
        self.media = str(manifest["mediaType"])

    def _add(self, blob: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        self.blobs[digest] = blob
        return digest

    def _part(self, media: str, digest: str) -> dict[str, object]:
        return {"mediaType": media, "size": len(self.blobs[digest]), "digest": digest}

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Its address, ``127.0.0.1:PORT``: engines need no certificate for that."""
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, media, body = registry._answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", media)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
                if "manifest" in media:
                    self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(body).hexdigest()}")
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _answer(self, path: str) -> tuple[int, str, bytes]:
        if path == "/v2/":
            return 200, "application/json", b"{}"
        if self.refusal is not None:
            status, code, message = self.refusal
            return status, "application/json", json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        if "/manifests/" in path:
            return 200, self.media, self.manifest
        return 200, "application/octet-stream", self.blobs[path.rpartition("/")[2]]


def layer(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()
