"""The first words of TLS, as programs say them and as somebody might who means harm."""

from __future__ import annotations

import contextlib
import hashlib
import ssl
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentrt.egress.hello import Hello, read_answer, read_hello, skip_others
from agentrt.egress.refused import Refused


def spoken(name: str | None, *, tls12: bool = False) -> bytes:
    """By Python's own TLS."""
    context = ssl.create_default_context()
    context.check_hostname = False
    if tls12:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(into, out, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()


def made(*extensions: tuple[int, bytes], tail: bytes = b"", kind: int = 1) -> bytes:
    listed = b"".join(struct.pack("!HH", number, len(content)) + content for number, content in extensions)
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0" + struct.pack("!H", len(listed)) + listed + tail
    return record(bytes((kind,)) + len(body).to_bytes(3, "big") + body)


def record(content: bytes, kind: int = 22) -> bytes:
    return struct.pack("!BHH", kind, 0x0301, len(content)) + content


def named(*names: bytes, kind: int = 0) -> tuple[int, bytes]:
    listed = b"".join(struct.pack("!BH", kind, len(name)) + name for name in names)
    return 0, struct.pack("!H", len(listed)) + listed


@pytest.mark.parametrize("tls12", [False, True])
def test_what_programs_say(tls12: bool) -> None:
    assert read_hello(spoken("Example.com", tls12=tls12))[:2] == ("example.com", False)
    assert read_hello(spoken(None, tls12=tls12))[:2] == (None, False)


def test_in_pieces_and_records() -> None:
    whole = spoken("example.com")
    assert {read_hello(whole[:end]) for end in range(len(whole))} == {None}
    content = whole[5:]
    pieces = b"".join(record(content[at : at + 7]) for at in range(0, len(content), 7))
    assert read_hello(pieces) == Hello("example.com", False, len(pieces))
    assert read_hello(pieces + b"\x17\x03\x03 early data") == Hello("example.com", False, len(pieces))
    assert {read_hello(pieces[:end]) for end in range(len(pieces))} <= {None, Hello("example.com", False, len(pieces))}


def test_an_encrypted_hello_is_seen() -> None:
    assert read_hello(made(named(b"outer.test"), (0xFE0D, b"\0" * 20)))[:2] == ("outer.test", True)


@pytest.mark.parametrize(
    "data",
    [
        *(b"SSH-2.0-x\r\n", b"GET / HTTP/1.1\r\n", b"\x80\x2e\x01\x03\x01", b"\x16\x02\x00", b"\x16\x03\x01\0\0", b"\x15\x03\x01\0\2"),
        *(b"\x16\x03\x01\xff\xff", record(b"\2\0\0\1x"), made(kind=2), made(tail=b"x")),
        *(made(named(b"a.test"), named(b"b.test")), made(named(b"a.test", b"b.test")), made(named(b"a.test", kind=1))),
        *(made(named(b"a_b")), made(named(b"a\0.test")), made(named(b"")), made(named(b"\xff.test")), made(named(b"127.1"))),
        *(made((0, b"")), made((0, b"\0\5\0\0\1a")), made((0, named(b"a.test")[1] + b"x")), made((7, b""), (7, b""))),
        record(b"\1\0\0\3abc"), record(b"\1\xff\xff\xff" + bytes(16000)) + record(bytes(5000)),
    ],
)  # fmt: skip
def test_what_is_none_or_can_be_read_as_several(data: bytes) -> None:
    with pytest.raises(Refused):
        read_hello(data)


@given(
    st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=300).map(lambda data: record(b"\1" + len(data).to_bytes(3, "big") + data)),
    )
)
def test_arbitrary_bytes(data: bytes) -> None:
    with contextlib.suppress(Refused):
        read_hello(data)


@given(st.data())
def test_a_hello_with_bytes_changed(data: st.DataObject) -> None:
    whole = bytearray(made(named(b"a.test"), (0xFE0D, b"\0" * 20), (5, b"abc")))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Refused):
        read_hello(bytes(whole[: data.draw(st.integers(0, len(whole)))]))


_RANDOM = bytes(range(32))
_AGAIN = hashlib.sha256(b"HelloRetryRequest").digest()


def answer(random: bytes) -> bytes:
    """As a server's hello begins."""
    return b"\x16\x03\x03\x00\x50\x02\x00\x00\x4c\x03\x03" + random


def test_an_answer_of_a_server() -> None:
    assert read_answer(answer(_RANDOM)) is False
    assert read_answer(answer(_AGAIN)) is True
    assert read_answer(b"\x15\x03\x01\x00\x02\x02\x28") is False
    assert {read_answer(answer(_AGAIN)[:end]) for end in range(43)} == {None}
    for foreign in (b"HTTP/1.1 400", b"SSH-2.0", b"\x16\x04", b"\x16\x03\x03\x00\x50\x01", b"\x17\x03\x03"):
        with pytest.raises(Refused, match="the other side does not speak TLS"):
            read_answer(foreign)


def test_what_may_stand_before_a_second_hello() -> None:
    dressed, early = b"\x14\x03\x03\x00\x01\x01", b"\x17\x03\x03\x00\x03abc"
    assert skip_others(b"\x16") == 0 and skip_others(dressed + b"\x16") == 6
    assert skip_others(early + dressed + early + b"\x16") == 22
    assert {skip_others((early + dressed)[:end]) for end in range(15)} == {None}
