"""Certificates over real connections: who is trusted, what is renewed unnoticed by streams, what is refused."""

import asyncio
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.server.access.certificates import Authority, Pair, openssl
from tests.server.access.guarded import Keys, bearer, guarded
from tests.server.feed import NodeFeed
from tests.server.test_service import AWAIT_S, refused

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import market_data_service_pb2_grpc as stubs
from tickmux_server.access.tls import CertificateFiles, Certificates
from tickmux_server.config import ConfigError
from tickmux_server.node import Node


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder)


@pytest.fixture(scope="module")
def stranger(folder: Path) -> Authority:
    return Authority(folder, "stranger")


@pytest.fixture
def served(authority: Authority, tmp_path: Path) -> Pair:
    """A certificate at a place of its own, for a test to renew."""
    pair = Pair(tmp_path / "server.pem", tmp_path / "server-key.pem")
    put(authority.sign("first"), pair)
    return pair


def put(new: Pair, served: Pair) -> None:
    replace(new.certificate, served.certificate)
    replace(new.key, served.key)


def replace(new: Path, old: Path) -> None:
    """As those who renew certificates do it: at once."""
    aside = old.with_suffix(".new")
    shutil.copy(new, aside)
    aside.replace(old)


def tls(pair: Pair, client_ca: Path | None = None) -> dict[str, Any]:
    settings = {"tls_certificate": str(pair.certificate), "tls_key": str(pair.key)}
    return settings | ({"tls_client_ca": str(client_ca)} if client_ca else {})


@pytest.fixture
async def node(served: Pair) -> AsyncIterator[Node]:
    async with guarded(None, **tls(served)) as node:
        NodeFeed(node).bids("kraken", {"BTCUSD": 1.0})
        yield node


def channel_to(node: Node, ca: Path | None, pair: Pair | None = None) -> grpc.aio.Channel:
    credentials = grpc.ssl_channel_credentials(
        ca.read_bytes() if ca else None,
        pair.key.read_bytes() if pair else None,
        pair.certificate.read_bytes() if pair else None,
    )
    return grpc.aio.secure_channel(node.address, credentials, options=(("grpc.use_local_subchannel_pool", 1),))


async def snapshot(channel: grpc.aio.Channel, **arguments: Any) -> Any:
    stub: Any = stubs.MarketDataServiceStub(channel)
    return await stub.GetSnapshot(contract.GetSnapshotRequest(), timeout=AWAIT_S, **arguments)


async def name_of(address: str, ca: Path) -> str:
    """The common name of the certificate that a new connection is shown."""

    def shake_hands() -> str:
        host, _, port = address.rpartition(":")
        context = ssl.create_default_context(cafile=ca)
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection((host, int(port)), timeout=AWAIT_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as encrypted,
        ):
            assert encrypted.version() in {"TLSv1.2", "TLSv1.3"}
            certificate: Any = encrypted.getpeercert()
        name: str = certificate["subject"][0][0][1]
        return name

    return await asyncio.to_thread(shake_hands)


async def test_a_renewed_certificate_is_shown_to_new_connections_and_streams_go_on(
    node: Node, served: Pair, authority: Authority
) -> None:
    async with channel_to(node, authority.certificate) as channel:
        stub: Any = stubs.MarketDataServiceStub(channel)
        call = stub.Subscribe(contract.SubscribeRequest())
        assert (await call.read()).caught_up
        for number in range(1, 4):
            name = f"renewed-{number}"
            put(authority.sign(name), served)
            assert await name_of(node.address, authority.certificate) == name
            NodeFeed(node).bids("kraken", {"BTCUSD": number * 10.0})
            async with asyncio.timeout(AWAIT_S):
                while not (response := await call.read()).quotes:
                    pass
            assert response.quotes[0].bid_price == number * 10.0
            async with channel_to(node, authority.certificate) as another:
                assert (await snapshot(another)).quotes
        call.cancel()


async def test_every_address_of_a_name_gets_the_renewed_one(served: Pair, authority: Authority) -> None:
    async with guarded(None, listen="localhost:0", **tls(served)) as node:
        put(authority.sign("renewed"), served)
        port = node.address.rpartition(":")[2]
        addresses = {str(found[4][0]) for found in socket.getaddrinfo("localhost", int(port), type=socket.SOCK_STREAM)}
        assert "127.0.0.1" in addresses
        for _ in range(2):
            assert await name_of(f"127.0.0.1:{port}", authority.certificate) == "renewed"
            assert await name_of(f"localhost:{port}", authority.certificate) == "renewed"


async def test_half_a_renewal_keeps_the_one_before_with_one_warning(
    node: Node, served: Pair, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    renewed = authority.sign("renewed")
    replace(renewed.certificate, served.certificate)
    for _ in range(3):
        assert await name_of(node.address, authority.certificate) == "first"
    warnings = [record.getMessage() for record in caplog.records if "cannot be used" in record.getMessage()]
    assert len(warnings) == 1
    assert "is not the key of" in warnings[0]
    replace(renewed.key, served.key)
    assert await name_of(node.address, authority.certificate) == "renewed"
    served.certificate.write_text(renewed.certificate.read_text()[:100])
    assert await name_of(node.address, authority.certificate) == "renewed"
    served.key.unlink()
    assert await name_of(node.address, authority.certificate) == "renewed"


async def test_a_client_that_trusts_another_authority_is_told_so(node: Node, stranger: Authority) -> None:
    async with channel_to(node, stranger.certificate) as channel:
        error = await refused(snapshot_call(channel))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert "CERTIFICATE_VERIFY_FAILED" in str(error.details())


async def test_an_expired_certificate_is_told(authority: Authority) -> None:
    async with (
        guarded(None, **tls(authority.sign("expired", expired=True))) as node,
        channel_to(node, authority.certificate) as channel,
    ):
        error = await refused(snapshot_call(channel))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert "certificate has expired" in str(error.details())


async def test_clear_text_gets_no_answer(node: Node) -> None:
    async with grpc.aio.insecure_channel(node.address) as channel:
        error = await refused(snapshot_call(channel))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    host, _, port = node.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    async with asyncio.timeout(AWAIT_S):
        assert b"HTTP" not in await reader.read(1024)
    writer.close()


async def test_old_protocols_are_not_spoken(node: Node, authority: Authority) -> None:
    def shake_hands() -> None:
        host, _, port = node.address.rpartition(":")
        context = ssl.create_default_context(cafile=authority.certificate)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("AES128-SHA:AES256-SHA:@SECLEVEL=0")
        with socket.create_connection((host, int(port)), timeout=AWAIT_S) as plain, pytest.raises(ssl.SSLError):
            context.wrap_socket(plain, server_hostname=host)

    await asyncio.to_thread(shake_hands)


async def test_clients_must_have_a_certificate_where_their_authority_is_named(
    served: Pair, authority: Authority, stranger: Authority
) -> None:
    async with guarded(None, **tls(served, client_ca=authority.certificate)) as node:
        NodeFeed(node).bids("kraken", {"BTCUSD": 1.0})
        async with channel_to(node, authority.certificate, authority.sign("client")) as channel:
            assert (await snapshot(channel)).quotes
        for pair in (None, stranger.sign("intruder"), authority.sign("late", expired=True)):
            async with channel_to(node, authority.certificate, pair) as channel:
                assert (await refused(snapshot_call(channel))).code() is grpc.StatusCode.UNAVAILABLE


async def test_a_renewed_authority_of_clients_is_taken_as_well(
    served: Pair, authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    client_ca = tmp_path / "client-ca.pem"
    replace(authority.certificate, client_ca)
    ours, theirs = authority.sign("ours"), stranger.sign("theirs")
    async with guarded(None, **tls(served, client_ca=client_ca)) as node:
        async with channel_to(node, authority.certificate, ours) as channel:
            await snapshot(channel)
        replace(stranger.certificate, client_ca)
        async with channel_to(node, authority.certificate, theirs) as channel:
            await snapshot(channel)
        async with channel_to(node, authority.certificate, ours) as channel:
            assert (await refused(snapshot_call(channel))).code() is grpc.StatusCode.UNAVAILABLE


async def test_a_clients_certificate_stands_for_no_token(tmp_path: Path, served: Pair, authority: Authority) -> None:
    keys = Keys(tmp_path)
    token = keys.add("desk")
    async with (
        guarded(keys, **tls(served, client_ca=authority.certificate)) as node,
        channel_to(node, authority.certificate, authority.sign("client")) as channel,
    ):
        assert (await refused(snapshot_call(channel))).code() is grpc.StatusCode.UNAUTHENTICATED
        await snapshot(channel, metadata=bearer(token))


def snapshot_call(channel: grpc.aio.Channel) -> Any:
    stub: Any = stubs.MarketDataServiceStub(channel)
    return stub.GetSnapshot(contract.GetSnapshotRequest(), timeout=AWAIT_S)


def encrypted_key(pair: Pair, folder: Path) -> Path:
    key = folder / "encrypted.pem"
    openssl("pkey", "-in", pair.key, "-aes256", "-passout", "pass:secret", "-out", key)
    return key


WRONG = {
    "no certificate": ("tls_certificate", "cannot be read: No such file"),
    "no key": ("tls_key", "cannot be read: No such file"),
    "a folder": ("tls_certificate", "cannot be read: Is a directory"),
    "key for certificate": ("tls_certificate", "holds no certificate in PEM form"),
    "certificate for key": ("tls_key", "holds no private key in PEM form"),
    "another's key": ("tls_key", "is not the key of"),
    "encrypted key": ("tls_key", "is encrypted"),
    "truncated": ("tls_certificate", "cannot be used"),
    "no CA": ("tls_client_ca", "cannot be read"),
    "key for CA": ("tls_client_ca", "holds no certificate in PEM form"),
}


@pytest.mark.parametrize("case", WRONG)
def test_files_that_cannot_be_used_are_told_by_their_setting(
    authority: Authority, served: Pair, tmp_path: Path, case: str
) -> None:
    certificate, key = served.certificate, served.key
    truncated = tmp_path / "truncated.pem"
    truncated.write_text(certificate.read_text()[:200])
    files = {
        "no certificate": CertificateFiles(tmp_path / "absent", key),
        "no key": CertificateFiles(certificate, tmp_path / "absent"),
        "a folder": CertificateFiles(tmp_path, key),
        "key for certificate": CertificateFiles(key, key),
        "certificate for key": CertificateFiles(certificate, certificate),
        "another's key": CertificateFiles(certificate, authority.pair.key),
        "encrypted key": CertificateFiles(certificate, encrypted_key(served, tmp_path)),
        "truncated": CertificateFiles(truncated, key),
        "no CA": CertificateFiles(certificate, key, tmp_path / "absent"),
        "key for CA": CertificateFiles(certificate, key, key),
    }[case]
    with pytest.raises(ConfigError) as caught:
        Certificates(files)
    setting, said = WRONG[case]
    assert caught.value.where == setting
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "PRIVATE KEY" not in str(caught.value)


def test_a_key_that_everyone_can_read_is_warned_of(served: Pair, caplog: pytest.LogCaptureFixture) -> None:
    served.key.chmod(0o644)
    Certificates(CertificateFiles(served.certificate, served.key))
    assert "everyone on this machine can read the key" in caplog.text
