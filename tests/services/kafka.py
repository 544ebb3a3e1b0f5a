"""A real Kafka broker (KRaft, one node) on free ports of the loopback, its data in a folder.

from tests.services.kafka import Broker, kafka  # the fixture

Its jars come from Maven Central once, into `.tools/kafka/` of the repository.
"""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.serving.error import BenchError
from benchmarks.stream.kafka_jars import CACHE, fetch_jars
from tests.services.certificates import Certificates
from tests.services.processes import SLOW_START_SECONDS, end, free_port, wait_for_port
from tests.services.requirements import executable, require

USER, PASSWORD = "matchday", "of-the-login"
SMALL = ("-Xms64m", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


class Broker:
    """A broker that can be stopped, hung and started again; its data stays.

    certificates: with them it listens on two ports more, by TLS: one that asks for a login, one for a certificate.
    """

    def __init__(self, java: str, folder: Path, partitions: int = 4, certificates: Certificates | None = None) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.login_address = f"127.0.0.1:{free_port()}"
        self.certificate_address = f"127.0.0.1:{free_port()}"
        self.folder = folder
        self._java = (java, *SMALL, "-cp", f"{CACHE}/*")
        self._process: subprocess.Popen[str] | None = None
        self._properties = folder / "server.properties"
        settings = _plain_settings(self.address, free_port(), folder / "data", partitions)
        if certificates:
            _add_tls(settings, self.login_address, self.certificate_address, certificates)
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def format(self) -> None:
        """Make the data folder, and the user of the login."""
        command = [*self._java, "kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg"]
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            command += ["--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]"]
        subprocess.run([*command, "-c", str(self._properties)], check=True, capture_output=True)

    def start(self) -> None:
        """Start it and wait until it listens, about 3 s."""
        with (self.folder / "broker.log").open("a") as log:
            command = [*self._java, "kafka.Kafka", str(self._properties)]
            self._process = subprocess.Popen(command, text=True, stdout=log, stderr=log)
        wait_for_port(self._process, self.port, seconds=SLOW_START_SECONDS)

    def hang(self) -> None:
        """Keep its connections open and answer nothing."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Go on after `hang`."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, as a lost node would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End it in order, whatever state it is in."""
        if self._process is not None and self._process.poll() is None:
            self.wake()
            end(self._process)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@contextmanager
def broker(folder: Path, certificates: Certificates | None = None) -> Iterator[Broker]:
    """A running broker; it ends with the block."""
    java = executable("java", package="default-jre-headless")
    require_jars()
    made = Broker(java, folder, certificates=certificates)
    made.format()
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that the tests of a session share."""
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


def require_jars() -> None:
    """Fetch the jars where they are not here yet; without a network there is nothing to test."""
    if not CACHE.is_dir():
        try:
            fetch_jars(executable("mvn", package="maven"))
        except BenchError as why:
            require(False, str(why))


def _plain_settings(address: str, controller: int, data: Path, partitions: int) -> dict[str, str]:
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://{address},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://{address}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(data),
        "num.partitions": str(partitions),
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "500",
    }


def _add_tls(settings: dict[str, str], login: str, certificate: str, certificates: Certificates) -> None:
    """Listeners by TLS: LOGIN asks for a user and a password, CERTIFICATE for the client's certificate."""
    both = f",LOGIN://{login},CERTIFICATE://{certificate}"
    settings["listeners"] += both
    settings["advertised.listeners"] += both
    protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", "LOGIN": "SASL_SSL", "CERTIFICATE": "SSL"}
    settings["listener.security.protocol.map"] = ",".join(f"{name}:{value}" for name, value in protocols.items())
    settings["listener.name.certificate.ssl.client.auth"] = "required"
    for kind, path in (("keystore", certificates.server), ("truststore", certificates.ca)):
        settings.update({f"ssl.{kind}.type": "PEM", f"ssl.{kind}.location": str(path)})
    mechanisms = {"plain": "plain.Plain", "scram-sha-256": "scram.Scram", "scram-sha-512": "scram.Scram"}
    settings["sasl.enabled.mechanisms"] = ",".join(mechanisms).upper()
    for name, module in mechanisms.items():
        user = f' username="{USER}" password="{PASSWORD}" user_{USER}="{PASSWORD}"' if name == "plain" else ""
        settings[f"listener.name.login.{name}.sasl.jaas.config"] = (
            f"org.apache.kafka.common.security.{module}LoginModule required{user};"
        )
