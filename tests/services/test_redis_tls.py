"""A Redis that takes TLS and a client certificate: written by Feast's way and read by the server's with one address."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import redis as client

from feature_repo.online import client_options
from matchday.online_store import RedisAddress
from serving.features.connection import Connection
from serving.features.store import StoreError
from serving.features.wire import command
from tests.services.certificates import Certificates, sign
from tests.services.processes import free_port
from tests.services.redis import RedisServer

pytestmark = pytest.mark.services


class TlsRedis:
    """A running server and the certificates that it and its client have."""

    def __init__(self, folder: Path) -> None:
        certificates = Certificates.make(folder)
        sign(folder, "plain", "extendedKeyUsage=clientAuth", "-nodes")
        self.ca, self.other_ca = certificates.ca, certificates.other_ca
        self.client = f"ssl_certfile={quote(str(folder / 'plain.pem'))}&ssl_keyfile={quote(str(folder / 'plain.key'))}"
        self.port = free_port()
        options = ("--tls-port", str(self.port), "--tls-cert-file", str(folder / "server.pem"))
        options += ("--tls-key-file", str(folder / "server.key"), "--tls-ca-cert-file", str(certificates.ca))
        self.server = RedisServer(folder, password="p@ss", options=options)

    def address(self, *options: str, host: str = "127.0.0.1") -> RedisAddress:
        return RedisAddress.parse(f"rediss://:p%40ss@{host}:{self.port}/0?{'&'.join(options)}")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsRedis]:
    redis = TlsRedis(tmp_path_factory.mktemp("tls-redis"))
    redis.server.start()
    yield redis
    redis.server.stop()


def read(address: RedisAddress) -> object:
    """A value as the model server reads it."""

    async def ask() -> object:
        connection = Connection(address)
        try:
            return (await connection.ask([command("GET", "team")]))[0]
        finally:
            connection.close()

    return asyncio.run(ask())


def write(address: RedisAddress, value: str) -> None:
    """The value as those who write the store do."""
    with client.Redis(**client_options(address)) as redis:
        redis.set("team", value)


@pytest.mark.parametrize("check", ["ssl_cert_reqs=required", "ssl_cert_reqs=none"])
def test_what_is_written_through_an_address_is_read_through_it(tls: TlsRedis, check: str) -> None:
    authorities = f"ssl_ca_certs={quote(str(tls.ca if 'required' in check else tls.other_ca))}"
    address = tls.address(tls.client, authorities, check, "socket_connect_timeout=60", "socket_timeout=60")
    write(address, check)
    assert read(address) == check.encode()


def test_a_name_that_the_certificate_has_not_is_taken_only_where_it_is_not_checked(tls: TlsRedis) -> None:
    options = (tls.client, f"ssl_ca_certs={quote(str(tls.ca))}", "socket_connect_timeout=60", "socket_timeout=60")
    unchecked = tls.address(*options, "ssl_check_hostname=false", host="localhost")
    write(unchecked, "any name")
    assert read(unchecked) == b"any name"
    checked = tls.address(*options, host="localhost")
    with pytest.raises(StoreError, match="certificate verify failed"):
        read(checked)
    with pytest.raises(client.ConnectionError, match="certificate verify failed"):
        write(checked, "never")


@pytest.mark.parametrize("missing", ["client", "authorities"])
def test_neither_goes_on_without_what_the_server_or_the_client_must_show(tls: TlsRedis, missing: str) -> None:
    given = {"client": tls.client, "authorities": f"ssl_ca_certs={quote(str(tls.ca))}"}
    del given[missing]
    address = tls.address(*given.values(), "socket_connect_timeout=60", "socket_timeout=60")
    with pytest.raises(StoreError):
        read(address)
    with pytest.raises(client.RedisError):
        write(address, "never")
