"""Settings of Kafka's clients: the `MATCHDAY_KAFKA_*` environment variables."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from matchday.events.address import EventsAddress, parse_brokers
from matchday.events.cluster import KafkaCluster, SaslLogin, TlsFiles
from matchday.events.errors import EventsError

PREFIX = "MATCHDAY_KAFKA_"


class KafkaSettings(BaseSettings):
    """How every client of Kafka connects. The passwords are shown in no log, error or repr."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    bootstrap_servers: str = Field(
        "", description="Brokers, HOST:PORT[,HOST:PORT], for an address `kafka://` that names none."
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="Whether connections use TLS (SSL) and a login (SASL)."
    )
    ssl_ca_file: str = Field("", description="PEM file of the CA that signed the brokers; the system's by default.")
    ssl_cert_file: str = Field("", description="PEM file of this client's certificate, where brokers ask for one.")
    ssl_key_file: str = Field("", description="PEM file of its key; by default the key is in the certificate's file.")
    ssl_key_password: SecretStr = Field(SecretStr(""), description="Password of the key, if it is encrypted.")
    ssl_check_hostname: bool = Field(True, description="Whether a broker's certificate must name its host.")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How the login is proved; PLAIN sends the password itself."
    )
    sasl_username: str = Field("", description="User of the login.")
    sasl_password: SecretStr = Field(SecretStr(""), description="Password of the login.")
    sasl_password_file: str = Field(
        "", description="File that holds the password, in place of `sasl_password`; read at each connection."
    )

    @classmethod
    def load(cls) -> "KafkaSettings":
        """The settings of this environment. Raises EventsError that names the variable that is wrong."""
        try:
            return cls()
        except ValidationError as error:
            found = error.errors(include_input=False, include_url=False)
            problems = "; ".join(f"{PREFIX}{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in found)
            raise EventsError(problems) from None

    def cluster(self, brokers: Sequence[str] = ()) -> KafkaCluster:
        """The cluster of these brokers, or of `bootstrap_servers`. Raises EventsError for settings that disagree."""
        if not brokers and not self.bootstrap_servers:
            raise EventsError(f"kafka:// names no brokers: write kafka://HOST:PORT, or set {PREFIX}BOOTSTRAP_SERVERS")
        return KafkaCluster(tuple(brokers) or parse_brokers(self.bootstrap_servers), self._tls(), self._login())

    def _tls(self) -> TlsFiles | None:
        given = [name for name in ("ssl_ca_file", "ssl_cert_file", "ssl_key_file") if getattr(self, name)]
        if not self.security_protocol.endswith("SSL"):
            if given:
                raise EventsError(
                    f"{PREFIX}{given[0].upper()} is set, but connections are not encrypted:"
                    f" set {PREFIX}SECURITY_PROTOCOL to SSL or SASL_SSL"
                )
            return None
        if self.ssl_key_file and not self.ssl_cert_file:
            raise EventsError(f"{PREFIX}SSL_KEY_FILE is set without a certificate: set {PREFIX}SSL_CERT_FILE")
        password = self.ssl_key_password.get_secret_value()
        return TlsFiles(self.ssl_ca_file, self.ssl_cert_file, self.ssl_key_file, password, self.ssl_check_hostname)

    def _login(self) -> SaslLogin | None:
        password = self.sasl_password.get_secret_value()
        if not self.security_protocol.startswith("SASL"):
            if self.sasl_username or password or self.sasl_password_file:
                raise EventsError(
                    f"a SASL login is set, but not used: set {PREFIX}SECURITY_PROTOCOL to SASL_SSL or SASL_PLAINTEXT"
                )
            return None
        if not self.sasl_username or not (password or self.sasl_password_file):
            raise EventsError(
                f"{self.security_protocol} needs a login: set {PREFIX}SASL_USERNAME and {PREFIX}SASL_PASSWORD,"
                f" or {PREFIX}SASL_PASSWORD_FILE"
            )
        if password and self.sasl_password_file:
            raise EventsError(f"set {PREFIX}SASL_PASSWORD or {PREFIX}SASL_PASSWORD_FILE, not both")
        return SaslLogin(self.sasl_mechanism, self.sasl_username, password, self.sasl_password_file)


def cluster_at(address: EventsAddress) -> KafkaCluster:
    """The cluster of an address with this environment's settings, its files tried. Raises EventsError."""
    cluster = KafkaSettings.load().cluster(address.brokers)
    cluster.options()
    return cluster
