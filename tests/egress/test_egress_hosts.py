"""Names, addresses and paths: refused, or one thing to everybody."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentrt.egress.addresses import not_public
from agentrt.egress.hosts import canonical, is_address, joined, split_authority
from agentrt.egress.refused import Refused
from agentrt.egress.targets import absolute, origin
from agentrt.records import Admission, Request


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45.com", "example.com"),
        ("example。com", "example.com"),
        ("localhost", "localhost"),
        ("93.184.216.34", "93.184.216.34"),
        ("\uff11\uff12\uff17.0.0.1", "127.0.0.1"),
        ("[2606:2800:0220:0001:0248:1893:25C8:1946]", "2606:2800:220:1:248:1893:25c8:1946"),
        ("::1", "::1"),
        ("[::ffff:127.0.0.1]", "127.0.0.1"),
        ("[::ffff:7f00:1]", "127.0.0.1"),
    ],
)
def test_one_form(text: str, expected: str) -> None:
    assert canonical(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "..", "a..b", ".a", "-a.com", "a-.com", "a_b.com", "a b.com", "a%2eb.com", "user@a.com", "a\\b.com"),
        *("a\0.com", "a\r\n.com", "a/b.com", "a?b", "a#b", "*.com", "x" * 64 + ".com", "a." * 130, "a..", "\udcff.com"),
        *("2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "127.0.0.01", "1.2.3.4.5", "256.1.1.1", "1.2.3"),
        *(
            "0x",
            "a.0x1f",
            "a.1",
            "1.2.3.4..",
            "[::1",
            "::1]",
            "[127.0.0.1]",
            "fe80::1%eth0",
            "[fe80::1%25eth0]",
            "[v1.x]",
        ),
        *(":::", "1:2", "xn--a\u00fc-.com", "\uff41\uff0f\uff42.com"),
    ],
)
def test_what_could_be_read_as_several_is_no_host(text: str) -> None:
    with pytest.raises(Refused) as refused:
        canonical(text)
    assert refused.value.status == 400


@given(st.one_of(st.text(max_size=40), st.text("0123456789abcdefx.:[]%-", max_size=24), st.ip_addresses().map(str)))
def test_whatever_text_is_refused_or_canonical_and_stable(text: str) -> None:
    try:
        host = canonical(text)
    except Refused:
        return
    assert canonical(host) == host
    assert host.isascii() and host == host.lower() and not set(host) & set(" /\\@%\0\r\n_[]?#")
    assert split_authority(joined(host, 80), None) == (host, 80)
    if is_address(host):
        assert str(ipaddress.ip_address(host)) == host


@pytest.mark.parametrize(
    "text", ["a", "a:", "a:0", "a:65536", "a:x", "a:80:80", "a:-1", "a:٣", ":80", "u@a:80", "a :80"]
)
def test_no_authority(text: str) -> None:
    with pytest.raises(Refused):
        split_authority(text, None)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *(
            "100.64.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "192.88.99.1",
        ),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1"),
        *("::ffff:10.0.0.1", "::ffff:169.254.169.254", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
        *("64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::", "100::1", "nonsense", ""),
    ],
)
def test_addresses_that_are_not_everybodys(address: str) -> None:
    assert not_public(address) is not None


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]
)
def test_addresses_that_are(address: str) -> None:
    assert not_public(address) is None


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/a%00b",
            "/a%5cb",
            "/a\\b",
            "/%252e%252e/x",
            "/%2g",
            "/%",
            "/a%0d%0ab",
            "/..%2fx",
            "/x/..%2f..%2fy",
            "/%2e%2e%2fx",
        ),
        *("/..;/x", "/.;a=1/x", "/%c0%ae%c0%ae/x", "/%2e%2e;x"),
    ],
)
def test_paths_that_can_be_read_as_several_are_refused(path: str) -> None:
    for read in (lambda: origin(path, "a.test", 443), lambda: absolute(f"http://a.test{path}")):
        with pytest.raises(Refused) as refused:
            read()
        assert refused.value.status == 400


@pytest.mark.parametrize(
    ("path", "sent", "asked"),
    [
        ("/", "/", ["/"]),
        ("/a/b?x=../y%2f", "/a/b?x=../y%2f", ["/a/b"]),
        ("/a/../../b/./c/..", "/b/", ["/b/"]),
        ("/a/%2E%2e/b", "/b", ["/b"]),
        ("/.", "/", ["/"]),
        ("/@s%2fn", "/@s%2fn", ["/@s%2Fn", "/@s/n"]),
        ("//a///b", "//a///b", ["//a///b", "/a/b"]),
        ("/100%25", "/100%25", ["/100%"]),
        ("/%ff", "/%ff", ["/\udcff"]),
    ],
)
def test_paths(path: str, sent: str, asked: list[str]) -> None:
    target = origin(path, "a.test", 443)
    assert (target.raw, list(target.paths)) == (sent, asked)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "ftp://a.test/x",
            "https://a.test/",
            "file:///etc/passwd",
            "gopher://a.test:70/",
            "/x",
            "*",
            "a.test:80",
            "http:/a.test",
        ),
        *(
            "http://u:p@a.test/",
            "http://a.test/#x",
            "http:///x",
            "http://a.test:0/",
            "http://[::1/",
            "http://a%2etest/",
        ),
        *(
            "http://2130706433/",
            "http://0x7f.1/",
            "http://a.test\\@b.test/",
            "http://a.test:80:80/",
            "http://[fe80::1%25lo]/",
        ),
    ],
)
def test_targets_no_proxy_takes(url: str) -> None:
    with pytest.raises(Refused) as refused:
        absolute(url)
    assert refused.value.status == 400


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30))
def test_whatever_path_is_refused_or_has_no_way_up(path: str) -> None:
    try:
        target = origin("/" + path, "a.test", 443)
    except Refused:
        return
    assert target.raw.startswith("/") and all(each.startswith("/") for each in target.paths)
    for each in (*target.paths, target.raw.partition("?")[0]):
        assert not {".", ".."} & set(each.split("/"))
    assert origin(target.raw, "a.test", 443) == target


def test_in_an_opened_tunnel_a_private_host_is_meant_by_each_request(play) -> None:
    """That some rule means private hosts lets the tunnel through; it is not said of what another rule lets out."""

    def admit(request: Request) -> Admission:
        private = request.path in (None, "/hook")
        verdict: Any = "inspect" if request.path is None else "allow"
        return Admission(verdict=verdict, rule="t.yaml:1", private=private)

    async def scenario(world) -> None:
        server = await world.https()
        async with world.gate(admit) as door:
            assert b" 200 " in await door.secure(f"api.test:{server.port}", "/hook")
            assert b"no public address" in await door.secure(f"api.test:{server.port}", "/other")
        assert [seen.target for seen in server.seen] == ["/hook"]

    play(scenario)
