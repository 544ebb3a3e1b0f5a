"""URLs of online stores: what they mean, and what is said of those that mean nothing."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from serving.features import open_store
from serving.features.address import Address
from serving.features.redis import RedisStore
from serving.features.sqlite import SqliteStore
from serving.features.store import StoreError


@pytest.mark.parametrize(
    ("url", "address", "greeting"),
    [
        ("redis://cache", Address("cache"), [("PING",)]),
        ("redis://cache:7000/3", Address("cache", 7000, 3), [("SELECT", "3"), ("PING",)]),
        ("redis://:p%40ss@cache/", Address("cache", password="p@ss"), [("AUTH", "p@ss"), ("PING",)]),
        ("redis://me:secret@[::1]:1", Address("::1", 1, 0, "me", "secret"), [("AUTH", "me", "secret"), ("PING",)]),
    ],
)
def test_a_url_says_where_and_as_whom(url: str, address: Address, greeting: list[tuple[str, ...]]) -> None:
    assert Address.from_url(url) == address
    assert address.greeting() == greeting


def test_tls_is_checked_against_the_host_name() -> None:
    tls = Address.from_url("rediss://cache").tls
    assert tls is not None and tls.check_hostname
    assert str(Address.from_url("rediss://:secret@cache")) == "rediss://cache:6379/0"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis://", "names no server"),
        ("http://cache", "names no server"),
        ("redis://:secret@cache/zero", "database that is no number"),
        ("redis://:se/cret:1@cache", "port or host that is none|database that is no number"),
        ("redis://:secret@cache:99999999", "port or host that is none"),
        ("redis://:secret@[cache", "port or host that is none"),
        ("redis://cache?timeout=1", "option 'timeout'"),
        ("rediss://cache?ssl_ca_certs=/nowhere/ca.pem", "certificates /nowhere/ca.pem cannot be read"),
    ],
)
def test_a_wrong_url_is_named_without_its_secrets(url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says) as raised:
        Address.from_url(url)
    assert "secret" not in str(raised.value) and "cret" not in str(raised.value)


@given(password=some.text(min_size=1, alphabet=some.characters(exclude_characters="\0", codec="ascii")))
def test_a_password_never_shows(password: str) -> None:
    address = Address("cache", password=f"<{password}>")
    assert f"<{password}>" not in f"{address} {address!r}"


def test_a_store_is_opened_by_its_url(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    for url in (f"sqlite:///{path}", str(path)):
        store = open_store(url, "other")
        assert isinstance(store, SqliteStore)
        assert (store.path, store.project) == (path, "other")
    assert open_store("sqlite:///online.db").path == Path("online.db")  # type: ignore[attr-defined]
    assert isinstance(open_store("redis://cache"), RedisStore)
    with pytest.raises(StoreError, match="no online store is known for dynamodb://"):
        open_store("dynamodb://table")
