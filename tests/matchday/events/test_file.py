"""A file of events: written by several processes, rotated, and read on from where it was left."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from matchday.events import PREDICTIONS, CloudEvent, EventsError, file_consumer
from matchday.events.file_consumer import FileConsumer
from matchday.events.file_producer import FileProducer, Rotation

ALL = 10**6


def event(number: int, **changes: Any) -> CloudEvent:
    fields: dict[str, Any] = {
        "id": f"p-{number:04d}",
        "source": "/tests",
        "type": PREDICTIONS.type,
        "time": f"2026-05-24T15:{number // 60:02d}:{number % 60:02d}.000Z",
        "key": "k",
        "data": {"number": number, "padding": "x" * (100 - len(str(number)))},
    }
    return CloudEvent(**(fields | changes))


def events(*numbers: int) -> list[CloudEvent]:
    return [event(number) for number in numbers]


SIZE = len(event(0).line())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def read(consumer: FileConsumer, position: Any = None, most: int = ALL) -> tuple[list[int], Any]:
    found, position = consumer.since(position, most)
    return [each.data["number"] for each in found], position


def test_a_file_is_read_on(path: Path) -> None:
    consumer, producer = FileConsumer(path, PREDICTIONS), FileProducer(path)
    assert read(consumer) == ([], None)
    producer.send(events(0, 1, 2))
    numbers, position = read(consumer)
    assert numbers == [0, 1, 2]
    assert read(consumer, position) == ([], position)
    producer.send(events(3))
    assert read(consumer, position)[0] == [3]
    assert read(consumer)[0] == [0, 1, 2, 3]
    assert read(consumer, None, most=2)[0] == [2, 3]


@given(
    batches=some.lists(some.tuples(some.integers(1, 4), some.booleans()), max_size=25),
    keep=some.sampled_from([0, 3, 5]),
    limit=some.integers(5, 12),
)
def test_each_event_is_read_once_while_files_are_rotated(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[int, bool]], keep: int, limit: int
) -> None:
    """As long as no more is rotated away between two looks than is kept."""
    path = tmp_path_factory.mktemp("log") / "log"
    consumer, producer = FileConsumer(path, PREDICTIONS), FileProducer(path, Rotation(limit * SIZE, keep))
    written, seen, position, unread = 0, [], None, 0
    for size, look in batches:
        producer.send(events(*range(written, written + size)))
        written, unread = written + size, unread + size
        if look or unread > 2 * limit:
            more, position = read(consumer, position)
            seen += more
            unread = 0
    seen += read(consumer, position)[0]
    assert seen == list(range(written))
    left = sum(each.read_bytes().count(b"\n") for each in path.parent.glob("log*"))
    assert left + producer.deleted == written


def test_nothing_is_deleted_unless_asked_for(path: Path) -> None:
    producer = FileProducer(path, Rotation(max_bytes=2 * SIZE))
    for number in range(30):
        producer.send(events(number))
    assert producer.deleted == 0
    assert read(FileConsumer(path, PREDICTIONS))[0] == list(range(30))
    assert len(list(path.parent.glob("events.jsonl.*"))) == 14


def test_several_processes_rotate_one_file(path: Path) -> None:
    rotation = Rotation(max_bytes=20 * SIZE, keep=2)
    first, second = (FileProducer(path, rotation) for _ in range(2))
    for _ in range(4):
        first.send(events(*range(10)))
        second.send(events(*range(10)))
    assert sorted(each.name for each in path.parent.glob("events.jsonl*")) == [
        "events.jsonl",
        "events.jsonl.1",
        "events.jsonl.2",
    ]
    for each in path.parent.glob("events.jsonl*"):
        assert [orjson.loads(line)["id"] for line in each.read_bytes().splitlines()] == [
            f"p-{n:04d}" for n in range(10)
        ] * 2
    assert first.deleted + second.deleted == 20


def test_fewer_files_are_kept_when_the_setting_says_so(path: Path) -> None:
    many = FileProducer(path, Rotation(max_bytes=SIZE, keep=6))
    for number in range(7):
        many.send(events(number))
    few = FileProducer(path, Rotation(max_bytes=SIZE, keep=2))
    few.send(events(7))
    assert read(FileConsumer(path, PREDICTIONS))[0] == [5, 6, 7]
    assert few.deleted == 5


def test_a_name_with_signs_of_patterns_is_rotated_and_read(tmp_path: Path) -> None:
    path = tmp_path / "log[1]*.jsonl"
    producer = FileProducer(path, Rotation(max_bytes=SIZE))
    for number in range(4):
        producer.send(events(number))
    (tmp_path / "log[1]*.jsonl.bak").write_text("a copy")
    assert read(FileConsumer(path, PREDICTIONS))[0] == [0, 1, 2, 3]


def test_a_line_that_is_being_written_waits_for_its_end(path: Path) -> None:
    consumer = FileConsumer(path, PREDICTIONS)
    FileProducer(path).send(events(0))
    half = event(1).line()
    with path.open("ab") as file:
        file.write(half[:100])
        file.flush()
        numbers, position = read(consumer)
        assert numbers == [0]
        file.write(half[100:])
    assert read(consumer, position)[0] == [1]


def test_half_a_line_of_a_killed_writer_costs_no_other_event(path: Path) -> None:
    producer = FileProducer(path)
    producer.send(events(0))
    with path.open("ab") as file:
        file.write(event(1).line()[:100])
    producer.send(events(2, 3))
    producer.send(events(4))
    assert read(FileConsumer(path, PREDICTIONS))[0] == [0, 2, 3, 4]


WRITER = """
import sys
from matchday.events import CloudEvent
from matchday.events.file_producer import FileProducer
producer, number = FileProducer(sys.argv[1]), 0
while True:
    numbers = range(number, number + 50)
    producer.send([CloudEvent(str(n), "/tests", sys.argv[2], "", "k", {"number": n, "x": "x" * 1000}) for n in numbers])
    number += 50
    print(number, flush=True)
"""


def test_a_killed_writer_leaves_whole_batches_to_those_who_go_on(path: Path) -> None:
    """Killed at any moment, in the middle of a write among others."""
    for _ in range(5):
        command = [sys.executable, "-c", WRITER, str(path), PREDICTIONS.type]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(3)]
        os.kill(writer.pid, signal.SIGKILL)
        said += [int(number) for number in writer.stdout.read().split()]
        writer.wait()
        FileProducer(path).send(events(9000))
        numbers = read(FileConsumer(path, PREDICTIONS))[0]
        assert numbers[: said[-1]] == list(range(said[-1]))
        assert numbers[-1] == 9000
        path.unlink()


def test_a_disk_that_refuses_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    producer = FileProducer(path)
    producer.send(events(0))
    size = path.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
    try:
        with pytest.raises(OSError, match=r"too large|No space"):
            producer.send(events(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.stat().st_size == size
    producer.send(events(2))
    assert read(FileConsumer(path, PREDICTIONS))[0] == [0, 2]


def test_what_is_no_event_is_skipped(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        event(0).line(),
        event(9).line()[:150] + b"\n",
        b"\n",
        b"\xff\xfe\n",
        b"[]\n7\nnull\n{}\n",
        event(8, type="other.event.v1").line(),
        event(2).line(),
    ]
    path.write_bytes(b"".join(lines))
    assert read(FileConsumer(path, PREDICTIONS))[0] == [0, 2]
    assert '"lines": 7' in capsys.readouterr().err


def test_a_long_file_is_read_from_its_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_consumer, "MOST_BYTES", int(4.5 * SIZE))
    consumer, producer = FileConsumer(path, PREDICTIONS), FileProducer(path, Rotation(6 * SIZE))
    producer.send(events(0, 1, 2, 3, 4, 5))
    numbers, position = read(consumer)
    assert numbers == [2, 3, 4, 5]
    for number in range(6, 20):
        producer.send(events(number))
    assert read(consumer, position)[0][-1] == 19
    assert len(read(consumer, position)[0]) <= 5


def test_a_file_that_was_cut_or_replaced_is_read_anew(path: Path) -> None:
    consumer = FileConsumer(path, PREDICTIONS)
    FileProducer(path).send(events(0, 1, 2))
    _, position = read(consumer)
    os.truncate(path, SIZE)
    assert read(consumer, position)[0] == [0]
    _, position = read(consumer)
    path.unlink()
    FileProducer(path).send(events(7))
    assert read(consumer, position)[0][-1:] == [7]


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EventsError, match=r"cannot be read: Is a directory"):
        FileConsumer(tmp_path, PREDICTIONS).since(None, ALL)
