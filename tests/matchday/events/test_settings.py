"""Settings of Kafka's clients: what they become, what is refused, and that passwords stay unseen."""

import logging
from pathlib import Path

import pytest

from matchday.events import EventsAddress, EventsError
from matchday.events.cluster import KafkaCluster, SaslLogin, TlsFiles
from matchday.events.failures import client_failures
from matchday.events.settings import KafkaSettings, cluster_at
from tests.services.certificates import Certificates

SECRET = "correct-horse"


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch):
    def set_variables(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"MATCHDAY_KAFKA_{name}", value)

    return set_variables


def test_addresses(tmp_path: Path) -> None:
    assert EventsAddress.parse("kafka://a.b:9092,c:1").brokers == ("a.b:9092", "c:1")
    assert EventsAddress.parse("kafka://[::1]:9092").brokers == ("[::1]:9092",)
    assert EventsAddress.parse("kafka://") == EventsAddress("kafka")
    for text in (f"file:{tmp_path}/x", f"file://{tmp_path}/x"):
        assert EventsAddress.parse(text) == EventsAddress("file", path=f"{tmp_path}/x")
        assert EventsAddress.parse(str(EventsAddress.parse(text))) == EventsAddress.parse(text)
    for wrong in ("kafka://host", "kafka://h:99999", "kafka://h:0", "kafka://a:1;b:2", "kafka://a:1,"):
        with pytest.raises(EventsError, match=r"is no address of a Kafka broker: write HOST:PORT"):
            EventsAddress.parse(wrong)
    for wrong in ("", "file:", "file:/a/", "redis://x"):
        with pytest.raises(EventsError, match=r"is no address of events: write kafka://"):
            EventsAddress.parse(wrong)


def test_without_settings_connections_are_plain() -> None:
    cluster = cluster_at(EventsAddress.parse("kafka://a:1,b:2"))
    assert cluster.options() == {"bootstrap_servers": ["a:1", "b:2"], "security_protocol": "PLAINTEXT"}


def test_brokers_come_from_the_address_or_else_from_the_setting(configure) -> None:
    configure(BOOTSTRAP_SERVERS="c:3, d:4")
    assert cluster_at(EventsAddress.parse("kafka://")).brokers == ("c:3", "d:4")
    assert cluster_at(EventsAddress.parse("kafka://a:1")).brokers == ("a:1",)
    configure(BOOTSTRAP_SERVERS="c")
    with pytest.raises(EventsError, match="'c' is no address of a Kafka broker"):
        cluster_at(EventsAddress.parse("kafka://"))


def test_tls_and_login_are_what_the_client_takes(configure, tmp_path: Path) -> None:
    made = Certificates.make(tmp_path)
    password = tmp_path / "password"
    password.write_text(f"{SECRET}\n")
    configure(
        SECURITY_PROTOCOL="SASL_SSL",
        SSL_CA_FILE=str(made.ca),
        SSL_CERT_FILE=str(made.client_cert),
        SSL_KEY_FILE=str(made.client_key),
        SSL_KEY_PASSWORD=made.key_password,
        SSL_CHECK_HOSTNAME="false",
        SASL_USERNAME="matchday",
        SASL_PASSWORD_FILE=str(password),
    )
    cluster = cluster_at(EventsAddress.parse("kafka://a:1"))
    options = cluster.options()
    context = options.pop("ssl_context")
    assert options == {
        "bootstrap_servers": ["a:1"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "matchday",
        "sasl_plain_password": SECRET,
    }
    assert context.check_hostname is False
    assert len(context.get_ca_certs()) == 1
    assert KafkaCluster.from_json(cluster.to_json()) == cluster
    password.write_text("changed")
    assert cluster.options()["sasl_plain_password"] == "changed"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"SECURITY_PROTOCOL": "TLS"}, "MATCHDAY_KAFKA_SECURITY_PROTOCOL: Input should be 'PLAINTEXT', 'SSL'"),
        ({"SASL_MECHANISM": "GSSAPI"}, "MATCHDAY_KAFKA_SASL_MECHANISM: Input should be 'PLAIN'"),
        ({"SSL_CHECK_HOSTNAME": SECRET}, "MATCHDAY_KAFKA_SSL_CHECK_HOSTNAME: "),
        ({"SSL_CA_FILE": "/ca.pem"}, "MATCHDAY_KAFKA_SSL_CA_FILE is set, but connections are not encrypted"),
        ({"SASL_PASSWORD": SECRET}, "a SASL login is set, but not used"),
        (
            {"SECURITY_PROTOCOL": "SASL_SSL", "SASL_USERNAME": "u"},
            "needs a login: set MATCHDAY_KAFKA_SASL_USERNAME",
        ),
        ({"SECURITY_PROTOCOL": "SASL_SSL", "SASL_PASSWORD": SECRET}, "SASL_SSL needs a login"),
        (
            {
                "SECURITY_PROTOCOL": "SASL_SSL",
                "SASL_USERNAME": "u",
                "SASL_PASSWORD": SECRET,
                "SASL_PASSWORD_FILE": "/p",
            },
            "not both",
        ),
        ({"SECURITY_PROTOCOL": "SSL", "SSL_KEY_FILE": "/k"}, "without a certificate: set MATCHDAY_KAFKA_SSL_CERT_FILE"),
        ({"SECURITY_PROTOCOL": "SSL", "SSL_CA_FILE": "/ca.pem"}, "CA for Kafka cannot be read from /ca.pem: No such"),
        ({"SECURITY_PROTOCOL": "SSL", "SSL_CERT_FILE": "/c.pem"}, r"client certificate and key .* from /c.pem"),
        (
            {"SECURITY_PROTOCOL": "SASL_PLAINTEXT", "SASL_USERNAME": "u", "SASL_PASSWORD_FILE": "/no"},
            "SASL password for Kafka cannot be read from /no: No such file",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_with_what_to_do(
    configure, variables: dict[str, str], message: str
) -> None:
    configure(**variables)
    with pytest.raises(EventsError, match=message) as raised:
        cluster_at(EventsAddress.parse("kafka://a:1"))
    assert SECRET not in str(raised.value)


def test_files_that_are_no_certificates_are_refused(configure, tmp_path: Path) -> None:
    made, text = Certificates.make(tmp_path), tmp_path / "text.pem"
    text.write_text("no certificate")
    key = {"SSL_CERT_FILE": str(made.client_cert), "SSL_KEY_FILE": str(made.client_key), "SSL_KEY_PASSWORD": "wrong"}
    for files, what in (({"SSL_CA_FILE": str(text)}, "CA"), ({"SSL_CERT_FILE": str(text)}, "client"), (key, "client")):
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {"SECURITY_PROTOCOL": "SSL", **files}.items():
                patch.setenv(f"MATCHDAY_KAFKA_{name}", value)
            with pytest.raises(EventsError, match=f"the {what}.* for Kafka cannot be read"):
                cluster_at(EventsAddress.parse("kafka://a:1"))


def test_passwords_are_in_no_repr_and_no_text() -> None:
    settings = KafkaSettings(sasl_password=SECRET, ssl_key_password=SECRET)
    login, tls = SaslLogin("PLAIN", "u", SECRET), TlsFiles(key_password=SECRET)
    for shown in (settings, login, tls, KafkaCluster(("a:1",), tls, login)):
        assert SECRET not in repr(shown) + str(shown)


def test_the_clients_own_log_is_kept_for_the_error_and_shown_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("kafka.client")
    with client_failures() as failure:
        log.error("Connection failed: %s", OSError("[SSL: CERTIFICATE_VERIFY_FAILED] unknown authority"))
        log.error("Connection failed: %s", OSError("socket disconnected"))
        log.error("Bootstrap failed: %s", TimeoutError("gave up"))
        log.error("%(name)s", {"name": "other"})
    log.error("later: %s", OSError("SaslAuthenticationFailedError"))
    assert failure.explain(TimeoutError("gave up")) == (
        "[SSL: CERTIFICATE_VERIFY_FAILED] unknown authority (look at MATCHDAY_KAFKA_SSL_CA_FILE)"
    )
    with client_failures() as failure:
        pass
    assert failure.explain(TimeoutError("gave up")) == "gave up"
    assert failure.explain(TimeoutError()) == "TimeoutError"
    assert capsys.readouterr().err == ""
