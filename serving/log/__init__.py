"""The prediction log: every answer of the server as an event, off the request path.

A request makes the bytes of its events and appends them to a bounded queue. A thread writes what is there to a file, or
hands it to a process of its own (`python -m serving.log`) that sends it to Kafka: Kafka's client takes more time than a
forecast, and would take the interpreter from requests. When the disk, that process or Kafka is slow or gone, the queue
drops its oldest events and counts them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from matchday.events import EventsAddress
from serving.log.prediction import DisabledLog, Prediction, PredictionLog

if TYPE_CHECKING:
    from serving.log.sender import Sender
    from serving.settings import ServingSettings

__all__ = ["DisabledLog", "Prediction", "PredictionLog", "check_log", "open_log"]


def open_log(settings: "ServingSettings", on_dropped: Callable[[int], None] | None = None) -> PredictionLog:
    """The log that `predictions` names, for one worker. Raises EventsError for a bad address or Kafka setting.

    on_dropped: told of each loss, off the request path.
    Nothing is connected before the first prediction, so a log that is down holds no server up.
    """
    if not settings.predictions:
        return DisabledLog()
    from serving.log.queue import QueuedLog

    address = EventsAddress.parse(settings.predictions)
    return QueuedLog(_sender(address, settings), to=str(address), on_dropped=on_dropped)


def check_log(settings: "ServingSettings") -> None:
    """Raises EventsError when no log can be opened with these settings; nothing is connected."""
    if settings.predictions:
        _sender(EventsAddress.parse(settings.predictions), settings)


def _sender(address: EventsAddress, settings: "ServingSettings") -> "Sender":
    if address.kind == "kafka":
        from matchday.events.settings import cluster_at
        from serving.log.process_sender import ProcessSender

        return ProcessSender(cluster_at(address))
    from matchday.events.file_producer import FileProducer, Rotation
    from serving.log.file_sender import FileSender

    rotation = Rotation(settings.predictions_max_bytes, settings.predictions_keep)
    return FileSender(FileProducer(address.path, rotation))
