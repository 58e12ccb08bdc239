"""The session's own certificates, and what programs inside are told."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from agentrt.egress import BUNDLE, Authority, environment
from agentrt.egress.trust import trusted_file


def shake_hands(authority: Authority, host: str, *, asked: str | None = None) -> None:
    """Strictly, as Python does from 3.13 on."""
    trusting = ssl.create_default_context(cadata=authority.certificate.decode())
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(back, there, server_hostname=asked or host)
    server = authority.context(host).wrap_bio(there, back, server_side=True)
    done: set[ssl.SSLObject] = set()
    while len(done) < 2:
        for each in (client, server):
            try:
                each.do_handshake()
                done.add(each)
            except ssl.SSLWantReadError:
                pass  # it is the turn of the other


@pytest.mark.parametrize("host", ["api.test", "127.0.0.1", "::1", "a." + "b" * 60 + ".example.com"])
def test_a_certificate_of_ours_passes_a_strict_look(host: str) -> None:
    shake_hands(Authority(), host)


def test_it_is_for_one_host_and_of_one_authority() -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(Authority(), "api.test", asked="other.test")
    one, other = Authority(), Authority()
    assert one.certificate != other.certificate and one.context("a.test") is one.context("a.test")


def test_the_bundle_has_what_the_system_trusts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Authority()
    (tmp_path / "system.pem").write_bytes(other.certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))
    assert trusted_file() == str(tmp_path / "system.pem")
    authority = Authority()
    assert authority.bundle == authority.certificate + other.certificate


def test_programs_are_told_of_the_way_out_and_whom_to_trust() -> None:
    told = environment(8123)
    assert {told[name] for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY")} == {
        "http://127.0.0.1:8123"
    }
    assert told["no_proxy"] == told["NO_PROXY"] == "localhost,127.0.0.1,::1"
    assert {
        told[name] for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "PIP_CERT", "NODE_EXTRA_CA_CERTS")
    } == {BUNDLE}
