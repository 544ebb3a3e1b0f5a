"""Where a Redis server is and how it wants to be greeted, from a URL."""

import ssl
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from serving.features.store import StoreError

OPTIONS = ("ssl_ca_certs",)
FORM = (
    "write redis://[[user]:password@]host[:port][/database], or rediss:// for TLS, with %2F, %3A and %40 for / : @"
    " in a password"
)


@dataclass(frozen=True, slots=True)
class Address:
    """A server and a database of it. tls: how to check the server's certificate; None for plain TCP."""

    host: str
    port: int = 6379
    database: int = 0
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        """The URL without its secrets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rediss' if self.tls else 'redis'}://{host}:{self.port}/{self.database}"

    @classmethod
    def from_url(cls, url: str) -> Self:
        """The address of a redis:// or rediss:// URL. Raises StoreError, without the URL's secrets.

        `?ssl_ca_certs=FILE` names the authorities that a rediss:// server's certificate is checked against.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or 6379
        except ValueError:
            raise StoreError(f"the Redis URL has a port or host that is none; {FORM}") from None
        if parts.scheme not in ("redis", "rediss") or not parts.hostname:
            raise StoreError(f"the Redis URL names no server; {FORM}")
        database = parts.path.strip("/") or "0"
        if not database.isdecimal():
            raise StoreError(f"the Redis URL has a database that is no number; {FORM}")
        return cls(
            host=parts.hostname,
            port=port,
            database=int(database),
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls=_tls(parts),
        )

    def greeting(self) -> list[tuple[str, ...]]:
        """The commands that open a connection; PING last, so that a server that hangs is found out."""
        commands: list[tuple[str, ...]] = []
        if self.password is not None:
            commands.append(("AUTH", *([self.user] if self.user else []), self.password))
        if self.database:
            commands.append(("SELECT", str(self.database)))
        return [*commands, ("PING",)]


def _tls(parts: SplitResult) -> ssl.SSLContext | None:
    options = dict(parse_qsl(parts.query))
    for name in options:
        if name not in OPTIONS or parts.scheme == "redis":
            raise StoreError(f"the Redis URL has the option {name!r}; known is {OPTIONS[0]}, with rediss://")
    if parts.scheme == "redis":
        return None
    authorities = options.get("ssl_ca_certs")
    try:
        return ssl.create_default_context(cafile=authorities)
    except (OSError, ssl.SSLError) as error:
        raise StoreError(f"the certificates {authorities} cannot be read: {error}") from None
