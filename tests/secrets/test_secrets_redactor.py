"""No form of a value passes, however the stream is cut; all else passes as it is."""

from __future__ import annotations

import base64
import html
import json
import random
import time
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentrt.errors import UsageError
from agentrt.records import dump_json
from agentrt.secrets import Detector, Redactor
from agentrt.secrets.rules import LONGEST

TOKEN = b"ghp_x7/Qw+2?Zk9~Lm"
AWKWARD = 'p&ss "w\\rd" <é/😀%>;;'.encode()


def redacted(values: list[bytes], *chunks: bytes) -> bytes:
    redactor = Redactor(values)
    return b"".join([*map(redactor.feed, chunks), redactor.end()])


def base64_lines(data: bytes) -> bytes:
    return base64.encodebytes(data)


def hex_bytes(data: bytes) -> bytes:
    return data.hex(" ").encode()


def in_text(encode: Callable[[str], str]) -> Callable[[bytes], bytes]:
    return lambda data: encode(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "itself": bytes,
    "base64": base64.b64encode,
    "base64 for URLs": base64.urlsafe_b64encode,
    "base64 in lines": base64_lines,
    "base64 quoted": lambda data: urllib.parse.quote(base64.b64encode(data), safe="").encode(),
    "base64 with other line ends": lambda data: base64_lines(data).replace(b"\n", b"\r\n"),
    "hex": lambda data: data.hex().encode(),
    "HEX": lambda data: data.hex().upper().encode(),
    "hex in bytes": hex_bytes,
    "hex with colons": lambda data: data.hex(":").encode(),
    "hex in lines": lambda data: b"\n".join(data.hex().encode()[at : at + 60] for at in range(0, 2 * len(data), 60)),
    "quote": lambda data: urllib.parse.quote(data).encode(),
    "quote all": lambda data: urllib.parse.quote(data, safe="").encode(),
    "quote plus": lambda data: urllib.parse.quote_plus(data).encode(),
    "quote each": lambda data: b"".join(b"%%%02X" % byte for byte in data),
    "quote each, small": lambda data: b"".join(b"%%%02x" % byte for byte in data),
    "json": in_text(lambda text: json.dumps(text)[1:-1]),
    "json as it is": in_text(lambda text: json.dumps(text, ensure_ascii=False)[1:-1]),
    "json with slashes": in_text(lambda text: json.dumps(text)[1:-1].replace("/", "\\/")),
    "json, all escaped": in_text(
        lambda text: "".join(
            f"\\u{int.from_bytes(text.encode('utf-16-be', 'surrogatepass')[at : at + 2]):04X}"
            for at in range(0, len(text.encode("utf-16-be", "surrogatepass")), 2)
        )
    ),
    "our json": in_text(lambda text: dump_json(text)[1:-1]),
    "repr of bytes": lambda data: repr(data)[2:-1].encode(),
    "html": in_text(html.escape),
    "html numbers": in_text(lambda text: "".join(f"&#{ord(character)};" for character in text)),
    "html hex numbers": in_text(lambda text: "".join(f"&#x{ord(character):X};" for character in text)),
}

values = st.one_of(
    st.binary(min_size=6, max_size=60),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=40).map(str.encode),
    st.sampled_from([TOKEN, AWKWARD]),
).filter(lambda value: len(set(value) - set(b"*")) > 3)
around = st.binary(max_size=40)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places})
    return [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]


BYTES = [bytes(range(1, 255)), b"\xff\xfe\xfd\xfc\xfb\xfa"]
CASES = [(form, value) for form in FORMS for value in [TOKEN, AWKWARD, b"s" * 200]]
CASES += [(form, value) for form in FORMS if "html" not in form for value in BYTES]
"""HTML is text."""


@pytest.mark.parametrize(("form", "value"), CASES)
@pytest.mark.parametrize("offset", [0, 1, 2])
def test_each_form_is_found(form: str, value: bytes, offset: int) -> None:
    front, back = b"fro"[:offset], b"back"
    encoded = FORMS[form](front + value + back)
    out = redacted([value], b"{ " + encoded + b" }")
    assert len(out) == len(encoded) + 4 and out.startswith(b"{ ") and out.endswith(b" }")
    assert b"*" * len(value) in out
    assert not Detector([value]).feed(out)
    assert Detector([value]).feed(encoded)
    # Of what stands around it no more is lost than the digits it shares.
    if form == "itself":
        assert out == b"{ " + front + b"*" * len(value) + back + b" }"


@settings(deadline=None)
@given(values, st.sampled_from(list(FORMS)), around, around, st.lists(st.integers(0, 5000), max_size=12))
def test_how_it_is_cut_does_not_matter(value: bytes, form: str, front: bytes, back: bytes, places: list[int]) -> None:
    data = front + FORMS[form](value) + back
    whole = redacted([value], data)
    assert len(whole) == len(data)
    assert redacted([value], *cut(data, places)) == whole
    assert redacted([value], *(data[at : at + 1] for at in range(len(data)))) == whole
    for encode in FORMS.values():
        assert encode(value) not in whole


@settings(deadline=None)
@given(st.lists(values, min_size=1, max_size=4), st.data())
def test_several_values_and_pieces_of_them(several: list[bytes], data: st.DataObject) -> None:
    """What is cut off, begun twice or overlaps: the same at once and byte by byte, and none is left."""
    pieces = st.sampled_from(several).flatmap(
        lambda value: st.tuples(st.sampled_from(list(FORMS)), st.integers(0, 90), st.integers(0, 90)).map(
            lambda how: FORMS[how[0]](value)[how[1] // 3 : 400 - how[2]]
        )
    )
    stream = b"".join(data.draw(st.lists(pieces, max_size=6)))
    whole = redacted(several, stream)
    assert redacted(several, *(stream[at : at + 1] for at in range(len(stream)))) == whole
    assert len(whole) == len(stream)
    assert not any(value in whole for value in several)
    assert Detector(several).feed(stream) == (whole != stream)


@settings(deadline=None)
@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_other_text_passes_as_it_is(data: bytes, places: list[int]) -> None:
    value = b"no-such-text-in-there"
    assert redacted([value], *cut(data, places)) == data
    assert redacted([], *cut(data, places)) == data


def test_overlapping_values_are_taken_out_whole() -> None:
    assert redacted([b"token-abc", b"abc-secret"], b"a token-abc-secret b") == b"a **************** b"
    assert redacted([b"token-abc", b"token-abc-longer"], b"token-abc-longer") == b"*" * 16


def test_base64_around_it_stays_readable_up_to_its_digits() -> None:
    encoded = base64.b64encode(b'{"user": "me", "token": "' + TOKEN + b'", "more": "text"}')
    out = redacted([TOKEN], encoded)
    first, last = out.index(b"*") // 4 * 4, (out.rindex(b"*") // 4 + 1) * 4
    assert base64.b64decode(out[:first]) == b'{"user": "me", "token": '
    assert base64.b64decode(out[last:]).endswith(b'"more": "text"}')


def test_what_cannot_be_the_beginning_of_a_form_is_passed_on_at_once() -> None:
    redactor = Redactor([TOKEN])
    assert redactor.feed(b"a line\n") == b"a line\n"
    assert redactor.feed(b"the token is " + TOKEN[:9]) == b"the token is "
    assert redactor.feed(TOKEN[9:]) == b""
    assert redactor.feed(b" " * 300).startswith(b"*" * len(TOKEN) + b" ")


def test_what_waits_is_less_than_the_longest_form() -> None:
    redactor, sent, got = Redactor([TOKEN]), 0, 0
    for byte in base64.encodebytes(TOKEN * 50) + TOKEN[:5]:
        sent, got = sent + 1, got + len(redactor.feed(bytes([byte])))
        assert sent - got <= 12 * len(TOKEN) + 24
    assert got + len(redactor.end()) == sent


def test_a_detector_finds_what_comes_in_pieces() -> None:
    detector, encoded = Detector([TOKEN]), base64.b64encode(b"xx" + TOKEN + b"y")
    assert not any(detector.feed(encoded[at : at + 3]) for at in range(0, 24, 3))
    assert detector.feed(encoded[24:])
    assert detector.feed(b"nothing")
    assert not Detector([]).feed(TOKEN)


def test_short_values_are_refused() -> None:
    for kind in (Redactor, Detector):
        with pytest.raises(UsageError, match="less than 6 bytes"):
            kind([b"12345"])


@pytest.mark.parametrize(
    "noise", [b"The quick brown fox jumps over the lazy dog. ", base64.b64encode(bytes(range(256)))]
)
def test_ten_megabytes(noise: bytes) -> None:
    data = noise * (10_000_000 // len(noise))
    began = time.process_time()
    assert redacted([TOKEN, AWKWARD], *(data[at : at + 65536] for at in range(0, len(data), 65536))) == data
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("noise", "value"),
    [(b"&#59;", b";" * 40 + b"x"), (b"\\", b"\\" * 40 + b"x"), (b"%25", b"%25" * 20 + b"x"), (b"s", b"s" * 40 + b"x")],
)
def test_what_nearly_is_the_value_over_and_over_takes_linear_time(noise: bytes, value: bytes) -> None:
    data = noise * (500_000 // len(noise))
    began = time.process_time()
    assert redacted([value], *(data[at : at + 65536] for at in range(0, len(data), 65536))) == data
    assert time.process_time() - began < 20


def test_a_megabyte_of_the_value() -> None:
    data = TOKEN * (1_000_000 // len(TOKEN))
    began = time.process_time()
    assert redacted([TOKEN], data) == b"*" * len(data)
    assert time.process_time() - began < 20


def test_the_longest_value_is_learnt_in_seconds() -> None:
    value, began = random.Random(7).randbytes(LONGEST), time.process_time()
    assert Detector([value]).feed(b"x" + base64.encodebytes(b"y" + value))
    assert time.process_time() - began < 20
