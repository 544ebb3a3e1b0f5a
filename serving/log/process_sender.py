"""Deliveries to Kafka by a process of their own: its client takes more time than a forecast."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from matchday.events.cluster import KafkaCluster
from serving.log.encoder import PredictionEncoder
from serving.log.frame import join_frame, pack_frame, pack_record
from serving.log.prediction import Prediction
from serving.log.sender import TICK_SECONDS, Expired

RESTART_SECONDS = 1.0


class SendingProcess(NamedTuple):
    """The process, and this side of its stdin and stdout."""

    process: subprocess.Popen[bytes]
    into: int
    out: int

    @classmethod
    def start(cls) -> "SendingProcess":
        """Raises OSError when it cannot be started."""
        theirs, into = os.pipe()
        out, said = os.pipe()
        command = (sys.executable, "-m", "serving.log")
        try:
            process = subprocess.Popen(command, stdin=theirs, stdout=said, start_new_session=True)
        except OSError:
            os.close(into)
            os.close(out)
            raise
        finally:
            os.close(theirs)
            os.close(said)
        os.set_blocking(into, False)
        return cls(process, into, out)


class ProcessSender:
    """A child process that confirms each frame once it is kept; started when first needed, and again.

    It is told the cluster by a first frame, as passwords do not belong on a command line. A frame that was handed to a
    child that died goes to the next one.
    """

    def __init__(self, cluster: KafkaCluster) -> None:
        self.trouble = ""
        self._greeting = pack_frame(cluster.to_json().encode())
        self._child: SendingProcess | None = None
        self._start_at = 0.0
        self._unread = b""

    def encode(self, encoder: PredictionEncoder, number: int, entry: Prediction, row: int) -> bytes:
        """A packed Kafka record."""
        return pack_record(encoder.event(number, entry, row).record())

    def deliver(self, events: Sequence[bytes], expired: Expired) -> int | None:
        """As `Sender.deliver`."""
        frame = join_frame(events)
        while not expired():
            child, greeting = self._running()
            if child is None:
                time.sleep(TICK_SECONDS)
                continue
            try:
                return self._exchange(child, greeting + frame, expired)
            except OSError as error:
                self.trouble = f"the sending process ended: {error.strerror or error}"
                self._end(0.0)
        return None

    def close(self, seconds: float) -> None:
        """Let the child end by itself, for this long."""
        self._end(seconds)

    def _running(self) -> tuple[SendingProcess | None, bytes]:
        """The child, and what it must read first: a greeting if it is new."""
        if self._child is not None:
            return self._child, b""
        if time.monotonic() >= self._start_at:
            self._start_at = time.monotonic() + RESTART_SECONDS
            self._unread = b""
            try:
                self._child = SendingProcess.start()
            except OSError as error:
                self.trouble = f"cannot start the sending process: {error.strerror or error}"
        return self._child, self._greeting

    def _exchange(self, child: SendingProcess, frame: bytes, expired: Expired) -> int | None:
        left = memoryview(frame)
        poll = select.poll()
        poll.register(child.out, select.POLLIN)
        poll.register(child.into, select.POLLOUT)
        while not expired():
            ready = dict(poll.poll(TICK_SECONDS * 1000))
            if left and child.into in ready:
                left = left[os.write(child.into, left) :]
                if not left:
                    poll.unregister(child.into)
            if child.out in ready and (refused := self._answer(child.out)) is not None:
                return refused
        return None

    def _answer(self, out: int) -> int | None:
        """What the child says: how many events of a frame are refused, or what holds it up."""
        data = os.read(out, 65_536)
        if not data:
            raise BrokenPipeError(0, "it closed its output")
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            self.trouble = message.get("trouble", "")
            if "refused" in message:
                return int(message["refused"])
        return None

    def _end(self, seconds: float) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        os.close(child.into)
        try:
            child.process.wait(seconds)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
        os.close(child.out)
