"""A Kafka cluster as a client reaches it: brokers, TLS and SASL."""

import json
import ssl
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from matchday.events.errors import EventsError


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files and rules of TLS. ca: of who signed the brokers; empty for the system's. cert, key: of this client.

    check_hostname: whether a broker's certificate must name the host that is connected to.
    """

    ca: str = ""
    cert: str = ""
    key: str = ""
    key_password: str = field(default="", repr=False)
    check_hostname: bool = True

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or newer, the broker's certificate always checked. Raises EventsError for a file that is no good."""
        try:
            context = ssl.create_default_context(cafile=self.ca or None)
        except (OSError, ssl.SSLError) as error:
            raise _unreadable("CA", self.ca, error) from None
        context.check_hostname = self.check_hostname
        if self.cert:
            try:
                context.load_cert_chain(self.cert, self.key or None, lambda: self.key_password)
            except (OSError, ssl.SSLError) as error:
                raise _unreadable("client certificate and key", f"{self.cert}, {self.key}", error) from None
        return context


@dataclass(frozen=True, slots=True)
class SaslLogin:
    """Who this client is. password_file: read at each connection, so that a new password needs no restart."""

    mechanism: str
    username: str
    password: str = field(default="", repr=False)
    password_file: str = ""

    def secret(self) -> str:
        """The password. Raises EventsError when its file cannot be read."""
        if not self.password_file:
            return self.password
        try:
            return Path(self.password_file).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise _unreadable("SASL password", self.password_file, error) from None


@dataclass(frozen=True, slots=True)
class KafkaCluster:
    """Brokers, and how a client talks to them: in the clear or by TLS, with a login or without."""

    brokers: tuple[str, ...]
    tls: TlsFiles | None = None
    login: SaslLogin | None = None

    def options(self) -> dict[str, Any]:
        """Arguments of Kafka's clients. Raises EventsError for a file that cannot be read."""
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.brokers),
            "security_protocol": ("SASL_" if self.login else "") + ("SSL" if self.tls else "PLAINTEXT"),
        }
        if self.tls:
            options["ssl_context"] = self.tls.context()
        if self.login:
            options["sasl_mechanism"] = self.login.mechanism
            options["sasl_plain_username"] = self.login.username
            options["sasl_plain_password"] = self.login.secret()
        return options

    def to_json(self) -> str:
        """This cluster with its secrets, for a pipe to a process of our own; never for a log or a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> "KafkaCluster":
        """The cluster that `to_json` wrote."""
        fields = json.loads(text)
        tls, login = fields["tls"], fields["login"]
        return cls(tuple(fields["brokers"]), tls and TlsFiles(**tls), login and SaslLogin(**login))

    def __str__(self) -> str:
        return "Kafka at " + ",".join(self.brokers)


def _unreadable(what: str, path: str, error: Exception) -> EventsError:
    reason = getattr(error, "strerror", None) or str(error)
    return EventsError(f"the {what} for Kafka cannot be read from {path}: {reason}")
