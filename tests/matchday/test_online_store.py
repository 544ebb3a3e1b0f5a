"""Addresses of online stores: one meaning for who writes and who reads, and what is said of those that mean nothing."""

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from feast.infra.online_stores.redis import RedisOnlineStore
from hypothesis import given
from hypothesis import strategies as some
from redis import Redis

from feature_repo.error import FeatureStoreError
from feature_repo.online import client_options
from feature_repo.online import redis as feast_config
from matchday.online_store import OnlineStoreAddressError, RedisAddress, TlsOptions, parse_online_store
from serving.features import open_store
from serving.features.connection import Connection, greeting
from serving.features.redis import RedisStore
from serving.features.sqlite import SqliteStore

FILES = some.sampled_from(["/etc/ca.pem", "with space,comma.pem", "a=b&c.pem", "ü%2F.pem"])
TEXT = some.text(min_size=1, max_size=20, alphabet=some.characters(exclude_characters="\0", codec="utf-8"))
SECONDS = some.floats(0.001, 1e6)


@some.composite
def addresses(draw: some.DrawFn) -> RedisAddress:
    certificate = draw(some.none() | FILES)
    tls = TlsOptions(
        draw(some.sampled_from(["required", "optional", "none"])),
        draw(some.booleans()),
        draw(some.none() | FILES),
        certificate,
        draw(some.none() | FILES) if certificate else None,
    )
    return RedisAddress(
        draw(some.sampled_from(["cache", "redis.example.org", "127.0.0.1"])),
        draw(some.integers(1, 65535)),
        draw(some.integers(0, 15)),
        draw(some.none() | TEXT),
        draw(some.none() | TEXT),
        draw(some.none() | some.just(tls)),
        draw(some.none() | SECONDS),
        draw(some.none() | SECONDS),
    )


def written(address: RedisAddress) -> str:
    """The URL as a person writes it."""
    login = quote(address.user or "", safe="") + (f":{quote(address.password, safe='')}" if address.password else "")
    options: dict[str, Any] = {
        "socket_timeout": address.answer_seconds,
        "socket_connect_timeout": address.connect_seconds,
    }
    if address.tls:
        options |= {
            "ssl_cert_reqs": address.tls.check,
            "ssl_check_hostname": str(address.tls.check_hostname).lower(),
            "ssl_ca_certs": address.tls.authorities,
            "ssl_certfile": address.tls.certificate,
            "ssl_keyfile": address.tls.key,
        }
    query = urlencode({name: value for name, value in options.items() if value is not None})
    scheme = "rediss" if address.tls else "redis"
    place = f"{address.host}:{address.port}/{address.database}"
    return f"{scheme}://{f'{login}@' if login else ''}{place}{f'?{query}' if query else ''}"


@given(address=addresses())
def test_a_url_means_the_same_to_feast_to_redis_py_and_to_the_server(address: RedisAddress) -> None:
    parsed = parse_online_store(written(address))
    assert parsed == address
    nodes, through_feast = RedisOnlineStore._parse_connection_string(feast_config(address)["connection_string"])
    told = {**through_feast, "host": nodes[0]["host"], "port": int(nodes[0]["port"])}
    assert told == client_options(address)
    assert (told["socket_timeout"], told["socket_connect_timeout"]) == (
        address.answer_seconds or 30,
        address.connect_seconds or 5,
    )
    with Redis(**client_options(address)) as client:
        held = client.connection_pool.connection_kwargs
        login = (held["host"], held["port"], held["db"], held["username"], held["password"])
        assert login == (address.host, address.port, address.database, address.user, address.password)
        if address.tls:
            made = client.connection_pool.make_connection()
            assert made.check_hostname == (address.tls.check_hostname and address.tls.check != "none")
            assert (made.ca_certs, made.certfile, made.keyfile) == (
                address.tls.authorities,
                address.tls.certificate,
                address.tls.key,
            )


@given(address=addresses())
def test_secrets_never_show(address: RedisAddress) -> None:
    secret = RedisAddress(address.host, password=f"<{address.password}>")
    assert f"<{address.password}>" not in f"{secret} {secret!r}"


@pytest.mark.parametrize(
    ("url", "address", "commands"),
    [
        ("redis://cache", RedisAddress("cache"), [("PING",)]),
        ("redis://cache:7000/3", RedisAddress("cache", 7000, 3), [("SELECT", "3"), ("PING",)]),
        ("redis://:p%40ss@cache/", RedisAddress("cache", password="p@ss"), [("AUTH", "p@ss"), ("PING",)]),
        ("redis://me:secret@[::1]:1", RedisAddress("::1", 1, 0, "me", "secret"), [("AUTH", "me", "secret"), ("PING",)]),
    ],
)
def test_the_server_greets_as_the_url_says(url: str, address: RedisAddress, commands: list[tuple[str, ...]]) -> None:
    assert RedisAddress.parse(url) == address
    assert greeting(address) == commands


def test_seconds_of_the_address_override_those_of_the_client() -> None:
    patience = Connection(RedisAddress.parse("redis://cache?socket_timeout=2.5&socket_connect_timeout=7")).patience
    assert (patience.answer, patience.connect) == (2.5, 7.0)
    patience = Connection(RedisAddress.parse("redis://cache")).patience
    assert (patience.answer, patience.connect) == (0.25, 1.0)


def test_tls_is_checked_against_the_host_name_unless_told_otherwise() -> None:
    import ssl

    tls = RedisAddress.parse("rediss://cache").tls
    assert tls is not None
    context = tls.context()
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    unchecked = TlsOptions(check="none").context()
    assert (unchecked.check_hostname, unchecked.verify_mode) == (False, ssl.CERT_NONE)
    assert not TlsOptions(check_hostname=False).context().check_hostname
    assert str(RedisAddress.parse("rediss://:secret@cache?ssl_cert_reqs=none")) == "rediss://cache:6379/0"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis://", "names no server"),
        ("http://cache", "no online store is known for http://"),
        ("memcached://127.0.0.1:1", "MATCHDAY_ONLINE_STORE is redis://"),
        ("sqlite:///", "names no file"),
        ("redis://:secret@cache/zero", "database that is no number"),
        ("redis://:secret@cache/" + "9" * 5000, "database that is no number"),
        ("redis://:se/cret:1@cache", "port or host that is none|database that is no number"),
        ("redis://:secret@cache:99999999", "port or host that is none"),
        ("redis://:secret@cache:0", "port or host that is none"),
        ("redis://:secret@a,b", "port or host that is none"),
        ("redis://:secret@[cache", "port or host that is none"),
        ("redis://:sec#ret@cache", "port or host that is none|names no server"),
        ("redis://cache?timeout=1", "unknown option 'timeout'; known are socket_timeout"),
        ("redis://cache?ssl_cert_reqs=none", "'ssl_cert_reqs', which takes rediss://"),
        ("redis://cache?socket_timeout=soon", "socket_timeout is no value of it; write seconds above 0"),
        ("redis://cache?socket_timeout=0", "write seconds above 0"),
        ("redis://cache?socket_timeout=nan", "write seconds above 0"),
        ("redis://cache?socket_timeout=", "write seconds above 0"),
        ("rediss://cache?ssl_cert_reqs=CERT_NONE", "write required, optional or none"),
        ("rediss://cache?ssl_check_hostname=maybe", "write true or false"),
        ("rediss://cache?ssl_keyfile=a.key", "ssl_keyfile without ssl_certfile"),
    ],
)
def test_a_wrong_address_is_named_without_its_secrets(url: str, says: str) -> None:
    with pytest.raises(OnlineStoreAddressError, match=says) as raised:
        parse_online_store(url)
    assert "secret" not in str(raised.value) and "cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("ssl_ca_certs=/nowhere/ca.pem", "certificates /nowhere/ca.pem cannot be read"),
        ("ssl_certfile=/nowhere/my.pem", "client certificate /nowhere/my.pem cannot be read"),
        ("ssl_certfile=/nowhere/my.pem&ssl_keyfile=/my.key", "/nowhere/my.pem and /my.key cannot be read"),
    ],
)
def test_certificates_that_cannot_be_read_are_named_when_the_store_is_opened(options: str, says: str) -> None:
    with pytest.raises(OnlineStoreAddressError, match=says):
        open_store(f"rediss://cache?{options}")


def test_feast_says_that_it_knows_no_ipv6_address() -> None:
    with pytest.raises(FeatureStoreError, match=r"redis://\[::1\]:1/0 a host name"):
        feast_config(RedisAddress("::1", 1))


def test_a_store_is_opened_by_its_address(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    for address in (f"sqlite:///{path}", str(path)):
        store = open_store(address, "other")
        assert isinstance(store, SqliteStore)
        assert (store.path, store.project) == (path, "other")
    assert open_store("sqlite:///online.db").path == Path("online.db")  # type: ignore[attr-defined]
    assert isinstance(open_store("redis://cache"), RedisStore)
