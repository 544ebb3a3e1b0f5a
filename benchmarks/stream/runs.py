"""One run of the processor, in a process of its own, over a lake, an online store and a Kafka."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.serving.error import BenchError
from benchmarks.serving.process import resident_bytes, running, tail
from benchmarks.stream import broker
from benchmarks.stream.workload import write_lake
from feature_repo.stream.fact_place import open_fact_store
from matchday.events import DEAD_LETTERS
from matchday.events.cluster import KafkaCluster
from matchday.online_store import RedisAddress

LONGEST_SECONDS = 1_800.0
CLOCK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Place:
    """Where a processor reads and writes."""

    folder: Path
    cluster: KafkaCluster
    online: Path | RedisAddress

    @property
    def lake(self) -> str:
        """Root of the lake."""
        return str(self.folder / "lake")

    @property
    def log(self) -> Path:
        """What the processor says."""
        return self.folder / "processor.log"

    def environ(self) -> dict[str, str]:
        """The settings of a processor of this place."""
        online = self.online
        url = f"redis://{online.host}:{online.port}/{online.database}" if isinstance(online, RedisAddress) else online
        return {
            "MATCHDAY_HOME": str(self.folder / "home"),
            "MATCHDAY_LAKE": self.lake,
            "MATCHDAY_ONLINE_STORE": str(url),
            "MATCHDAY_STREAM_EVENTS": "kafka://" + ",".join(self.cluster.brokers),
        }

    def handled(self) -> int:
        """Records whose facts and features are kept."""
        store = open_fact_store(self.online)
        try:
            return sum(after for (topic, _), after in store.offsets().items() if topic != DEAD_LETTERS.name)
        finally:
            store.close()


@contextmanager
def place(past: Sequence[str], streamed: Sequence[str], *, embedded: bool = False) -> Iterator[Place]:
    """A Kafka, an online store (Redis, or a SQLite file) and a lake of the past, until the block ends."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "home").mkdir()
        write_lake(str(folder / "lake"), past, streamed)
        with broker.kafka(folder) as cluster:
            if embedded:
                yield Place(folder, cluster, folder / "online.db")
            else:
                with broker.redis(folder) as address:
                    yield Place(folder, cluster, address)


class Run:
    """A processor that runs. Times are seconds of the monotonic clock."""

    def __init__(self, of: Place, pid: int) -> None:
        self.of, self.pid = of, pid

    def wait_for(self, records: int, every: float = 0.2) -> Self:
        """Return once so many records are handled. Raises BenchError when that takes too long."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while self.of.handled() < records:
            if time.monotonic() > deadline or not resident_bytes(self.pid):
                raise BenchError(f"the processor has not handled {records:,} records: {tail(self.of.log)}")
            time.sleep(every)
        return self

    def processor_seconds(self) -> float:
        """Processor time of all its threads, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK

    def memory(self) -> int:
        """Resident bytes."""
        return resident_bytes(self.pid)


@contextmanager
def processor(of: Place) -> Iterator[Run]:
    """`matchday stream process` until the block ends."""
    command = [str(Path(sys.executable).with_name("matchday")), "stream", "process", "--port", "0"]
    with running(command, of.log, {**os.environ, **of.environ()}) as process:
        yield Run(of, process.pid)
