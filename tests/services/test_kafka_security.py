"""Clients reach a real Kafka by TLS, with a login or a certificate, and say what is wrong where they cannot."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from matchday.events import PREDICTIONS, RESULTS, EventsAddress, EventsError
from matchday.events.connect import open_consumer
from matchday.events.group_consumer import GroupConsumer
from matchday.events.received import Received
from matchday.events.settings import cluster_at
from matchday.events.topic_creation import create_topics
from matchday.events.topic_producer import TopicProducer
from serving.log.process_sender import ProcessSender
from serving.log.queue import QueuedLog
from tests.feature_repo.stream import small
from tests.services.certificates import Certificates
from tests.services.kafka import PASSWORD, USER, Broker, broker
from tests.serving.log.samples import prediction, wait_for
from tests.waiting import eventually

pytestmark = pytest.mark.services

Configure = Callable[..., None]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Broker]:
    with broker(tmp_path_factory.mktemp("kafka"), certificates) as running:
        yield running


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch, certificates: Certificates) -> Configure:
    """Sets `MATCHDAY_KAFKA_*`; the CA is the broker's unless another one is given."""

    def set_variables(protocol: str, **variables: str) -> None:
        for name, value in {
            "SECURITY_PROTOCOL": protocol,
            "SSL_CA_FILE": str(certificates.ca),
            **variables,
        }.items():
            monkeypatch.setenv(f"MATCHDAY_KAFKA_{name}", value)

    return set_variables


def check_round_trip(address: str, mark: str) -> None:
    """What a server logs comes back from the topic."""
    where = EventsAddress.parse(f"kafka://{address}")
    log = QueuedLog(ProcessSender(cluster_at(where)))
    for number in range(20):
        log.record(prediction(number, variant=mark))
    log.close(60)
    assert log.dropped == 0
    events, _ = open_consumer(where, PREDICTIONS).since(None, 1000)
    assert sorted(each.data["request_id"] for each in events if each.data["variant"] == mark) == sorted(
        f"r{number}" for number in range(20)
    )


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_predictions_go_and_come_by_tls_with_a_login(
    secure: Broker, configure: Configure, mechanism: str, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    configure("SASL_SSL", SASL_MECHANISM=mechanism, SASL_USERNAME=USER, SASL_PASSWORD_FILE=str(password))
    check_round_trip(secure.login_address, mechanism)


def test_predictions_go_and_come_by_tls_with_a_certificate(
    secure: Broker, configure: Configure, certificates: Certificates
) -> None:
    configure(
        "SSL",
        SSL_CERT_FILE=str(certificates.client_cert),
        SSL_KEY_FILE=str(certificates.client_key),
        SSL_KEY_PASSWORD=certificates.key_password,
    )
    check_round_trip(secure.certificate_address, "certificate")


LOGIN = {"SASL_USERNAME": USER, "SASL_PASSWORD": PASSWORD}


@pytest.mark.parametrize(
    ("protocol", "variables", "listener", "reason"),
    [
        ("SASL_SSL", LOGIN | {"SASL_PASSWORD": "wrong-one"}, "login", "KAFKA_SASL_USERNAME"),
        ("SASL_SSL", LOGIN | {"SASL_PASSWORD": "wrong-one", "SASL_MECHANISM": "PLAIN"}, "login", "KAFKA_SASL_USERNAME"),
        ("SASL_SSL", LOGIN | {"SSL_CA_FILE": "other"}, "login", "MATCHDAY_KAFKA_SSL_CA_FILE"),
        ("SSL", {}, "certificate", "MATCHDAY_KAFKA_SSL_CERT_FILE"),
        ("SSL", {}, "plain", "MATCHDAY_KAFKA_SECURITY_PROTOCOL"),
        ("PLAINTEXT", {"SSL_CA_FILE": ""}, "login", "MATCHDAY_KAFKA_SECURITY_PROTOCOL"),
    ],
    ids=["password", "plain-password", "authority", "no-certificate", "plain-listener", "tls-listener"],
)
def test_a_connection_that_is_refused_says_which_setting_to_look_at(
    secure: Broker,
    configure: Configure,
    certificates: Certificates,
    protocol: str,
    variables: dict[str, str],
    listener: str,
    reason: str,
) -> None:
    given = {name: str(certificates.other_ca) if value == "other" else value for name, value in variables.items()}
    configure(protocol, **given)
    address = {"login": secure.login_address, "certificate": secure.certificate_address, "plain": secure.address}
    where = EventsAddress.parse(f"kafka://{address[listener]}")
    with pytest.raises(EventsError, match=reason) as raised:
        open_consumer(where, PREDICTIONS).since(None, 10)
    assert "wrong-one" not in str(raised.value)
    log = QueuedLog(sender := ProcessSender(cluster_at(where)))
    log.record(prediction())
    wait_for(lambda: reason in sender.trouble)
    assert "wrong-one" not in sender.trouble
    log.close(0.1)
    assert log.dropped == 1


def test_a_certificate_for_another_host_is_refused_unless_the_check_is_off(
    secure: Broker, configure: Configure
) -> None:
    """The broker's certificate is for 127.0.0.1; `localhost` is where it listens all the same."""
    where = EventsAddress.parse(f"kafka://localhost:{secure.login_address.rsplit(':', 1)[1]}")
    configure("SASL_SSL", **LOGIN)
    with pytest.raises(EventsError, match="MATCHDAY_KAFKA_SSL_CHECK_HOSTNAME"):
        open_consumer(where, PREDICTIONS).since(None, 10)
    configure("SASL_SSL", SSL_CHECK_HOSTNAME="false", **LOGIN)
    open_consumer(where, PREDICTIONS).since(None, 10)


def test_a_consumer_group_reads_by_tls_with_a_login(secure: Broker, configure: Configure) -> None:
    configure("SASL_SSL", **LOGIN)
    cluster = cluster_at(EventsAddress.parse(f"kafka://{secure.login_address}"))
    create_topics(cluster, [RESULTS], 2, 1)
    producer = TopicProducer(cluster, RESULTS, print)
    producer.send([event for topic, event in small.events("2425", 4) if topic is RESULTS])
    producer.close()
    consumer = GroupConsumer(cluster, "by-tls", [RESULTS], lambda state: state.first)
    found: list[Received] = []

    def all_are_read() -> bool:
        found.extend(consumer.poll(100, 200))
        return len(found) == 4

    try:
        eventually(all_are_read)
        consumer.commit({record.position: record.offset + 1 for record in found})
    finally:
        consumer.close()
    assert {record.key.decode() for record in found if record.key} == set(small.matches("2425", 4)["match_id"])
