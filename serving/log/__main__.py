"""The process that sends predictions to Kafka: frames on stdin, one line of JSON on stdout for each that is kept.

python -m serving.log, started by a worker; the first frame names the cluster.
"""

import json
import os
import sys
from contextlib import suppress

from matchday.aside import step_aside
from matchday.events import PREDICTIONS
from matchday.events.cluster import KafkaCluster
from matchday.events.topic_producer import TopicProducer
from serving.log.frame import read_frame, unpack_records


class WorkerPipe:
    """Messages to the worker that started this process."""

    def __init__(self) -> None:
        self._worker = os.getppid()

    def say(self, **message: object) -> None:
        """Write a line; end this process when nobody reads it any more."""
        if os.getppid() != self._worker:
            os._exit(1)
        try:
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()
        except OSError:
            os._exit(1)

    def say_trouble(self, reason: str) -> None:
        """Say why nothing is sent at present."""
        self.say(trouble=reason)


def main() -> int:
    """Send until the worker has no more."""
    step_aside()
    worker = WorkerPipe()
    greeting = read_frame(sys.stdin.buffer)
    if greeting is None:
        return 0
    producer = TopicProducer(KafkaCluster.from_json(greeting), PREDICTIONS, worker.say_trouble)
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        worker.say(refused=producer.send_records(list(unpack_records(frame))))
    with suppress(OSError):
        producer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
