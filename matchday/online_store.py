"""Address of the online store: a SQLite file, or a Redis server by its URL.

One grammar for those who write the store (Feast, with redis-py) and those who read it (the model server).
"""

import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from matchday.errors import MatchdayError

SQLITE = "sqlite:///"
DEFAULT_PORT = 6379

_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+")
_DATABASE = re.compile(r"[0-9]{1,9}")

FORM = (
    "write redis://[[user]:password@]host[:port][/database], or rediss:// for TLS, with %2F, %3A and %40 for / : @"
    " in a password"
)

CERTIFICATE_CHECKS = {"required": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "none": ssl.CERT_NONE}
TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def directory_key(project: str, join_key: str) -> str:
    """Key of the Redis set of a project's entities of one kind: members are Feast's entity keys, without the project.

    Feast itself has no such list: without one, its readers would have to go over the whole database.
    """
    return f"{project}:entities:{join_key}"


class OnlineStoreAddressError(MatchdayError):
    """The address of the online store names no store. Its message holds no secret of it."""


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How a rediss:// server is checked, and this client known to it.

    check: `required`, `optional` or `none`, for the server's certificate. authorities: file of the certificates that
    it is checked against; None for the machine's. certificate, key: files of this client's own, in PEM.
    """

    check: str = "required"
    check_hostname: bool = True
    authorities: str | None = None
    certificate: str | None = None
    key: str | None = None

    def context(self) -> ssl.SSLContext:
        """The same for Python's `ssl`. Raises OnlineStoreAddressError that names the file that cannot be read."""
        try:
            context = ssl.create_default_context(cafile=self.authorities)
        except (OSError, ssl.SSLError) as error:
            raise OnlineStoreAddressError(f"the certificates {self.authorities} cannot be read: {error}") from None
        context.check_hostname = self.check_hostname and self.check != "none"
        context.verify_mode = CERTIFICATE_CHECKS[self.check]
        if self.certificate:
            try:
                context.load_cert_chain(self.certificate, self.key)
            except (OSError, ssl.SSLError) as error:
                files = " and ".join(filter(None, (self.certificate, self.key)))
                raise OnlineStoreAddressError(f"the client certificate {files} cannot be read: {error}") from None
        return context


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A Redis server and a database of it.

    tls: None for plain TCP. answer_seconds, connect_seconds: longest wait for either; None leaves it to the client.
    """

    host: str
    port: int = DEFAULT_PORT
    database: int = 0
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: TlsOptions | None = None
    answer_seconds: float | None = None
    connect_seconds: float | None = None

    def __str__(self) -> str:
        """The URL without its secrets and options."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rediss' if self.tls else 'redis'}://{host}:{self.port}/{self.database}"

    @classmethod
    def parse(cls, url: str) -> Self:
        """The address of a redis:// or rediss:// URL, with the options of `OPTIONS` and `TLS_OPTIONS`.

        Raises OnlineStoreAddressError, without the URL's secrets.
        """
        try:
            parts = urlsplit(url)
            port = DEFAULT_PORT if parts.port is None else parts.port
        except ValueError:
            raise OnlineStoreAddressError(f"the Redis URL has a port or host that is none; {FORM}") from None
        if parts.scheme not in ("redis", "rediss") or not parts.hostname or parts.fragment:
            raise OnlineStoreAddressError(f"the Redis URL names no server; {FORM}")
        if not port or not _HOST.fullmatch(parts.hostname):
            raise OnlineStoreAddressError(f"the Redis URL has a port or host that is none; {FORM}")
        database = parts.path.strip("/") or "0"
        if not _DATABASE.fullmatch(database):
            raise OnlineStoreAddressError(f"the Redis URL has a database that is no number; {FORM}")
        options, tls_options = _options(parts)
        return cls(
            host=parts.hostname,
            port=port,
            database=int(database),
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls=TlsOptions(**tls_options) if parts.scheme == "rediss" else None,
            **options,
        )

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments of redis-py's `Redis`, without those that leave it its defaults."""
        options: dict[str, Any] = {"host": self.host, "port": self.port, "db": self.database}
        if self.tls:
            options |= {"ssl": True, **{name: getattr(self.tls, each.field) for name, each in TLS_OPTIONS.items()}}
        options |= {"username": self.user, "password": self.password}
        options |= {name: getattr(self, each.field) for name, each in OPTIONS.items()}
        return {name: value for name, value in options.items() if value is not None}


def parse_online_store(text: str) -> Path | RedisAddress:
    """A file by its path or `sqlite:///PATH`, or a Redis by its URL. Raises OnlineStoreAddressError for any other."""
    if text.startswith(("redis://", "rediss://")):
        return RedisAddress.parse(text)
    if "://" in text and not text.startswith(SQLITE):
        scheme = text.partition("://")[0]
        raise OnlineStoreAddressError(
            f"no online store is known for {scheme}://: MATCHDAY_ONLINE_STORE is redis://, rediss:// for TLS,"
            f" {SQLITE}PATH, or the path of a file"
        )
    if not text.removeprefix(SQLITE):
        raise OnlineStoreAddressError(f"MATCHDAY_ONLINE_STORE names no file: write its path, or {SQLITE}PATH")
    return Path(text.removeprefix(SQLITE))


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise ValueError
    return seconds


def _check(text: str) -> str:
    if text not in CERTIFICATE_CHECKS:
        raise ValueError
    return text


def _truth(text: str) -> bool:
    return TRUTHS[text.lower()]


class UrlOption(NamedTuple):
    """An option of a URL: the field that it fills, how its text is read, and what that may be."""

    field: str
    read: Callable[[str], Any]
    expected: str


OPTIONS: dict[str, UrlOption] = {
    "socket_timeout": UrlOption("answer_seconds", _seconds, "seconds above 0"),
    "socket_connect_timeout": UrlOption("connect_seconds", _seconds, "seconds above 0"),
}
"""Options for `RedisAddress`, by the names of redis-py."""

TLS_OPTIONS: dict[str, UrlOption] = {
    "ssl_cert_reqs": UrlOption("check", _check, "required, optional or none"),
    "ssl_check_hostname": UrlOption("check_hostname", _truth, "true or false"),
    "ssl_ca_certs": UrlOption("authorities", str, "a file"),
    "ssl_certfile": UrlOption("certificate", str, "a file"),
    "ssl_keyfile": UrlOption("key", str, "a file"),
}
"""Options for `TlsOptions`: with rediss:// alone."""


def _options(parts: SplitResult) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that a URL's options fill: of `RedisAddress`, and of `TlsOptions`."""
    own: dict[str, Any] = {}
    tls: dict[str, Any] = {}
    for name, text in parse_qsl(parts.query, keep_blank_values=True):
        if name in OPTIONS:
            own[OPTIONS[name].field] = _read(name, OPTIONS[name], text)
        elif name not in TLS_OPTIONS:
            known = ", ".join([*OPTIONS, *TLS_OPTIONS])
            raise OnlineStoreAddressError(f"the Redis URL has the unknown option {name!r}; known are {known}")
        elif parts.scheme == "redis":
            raise OnlineStoreAddressError(f"the Redis URL has the option {name!r}, which takes rediss://")
        else:
            tls[TLS_OPTIONS[name].field] = _read(name, TLS_OPTIONS[name], text)
    if "key" in tls and "certificate" not in tls:
        raise OnlineStoreAddressError("the Redis URL has ssl_keyfile without ssl_certfile; give both")
    return own, tls


def _read(name: str, option: UrlOption, text: str) -> Any:
    try:
        if text:
            return option.read(text)
    except (ValueError, KeyError):
        pass
    raise OnlineStoreAddressError(f"the Redis URL's option {name} is no value of it; write {option.expected}")
