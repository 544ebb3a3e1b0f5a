"""The prediction log: every answer of the server as an event, off the request path.

A request costs one line of JSON, appended to a bounded queue. A thread hands what is there to a process of its
own (`python -m serving.log`), which makes CloudEvents of it and sends them to Kafka or appends them to a file:
building Kafka's records in Python takes longer than a forecast, and would take the interpreter from requests.
When that process, Kafka or the disk is slow or gone, the queue drops its oldest predictions and counts them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from serving.log.address import Address, LogError
from serving.log.prediction import Nowhere, Prediction, PredictionLog

if TYPE_CHECKING:
    from serving.settings import ServingSettings

__all__ = ["Address", "LogError", "Nowhere", "Prediction", "PredictionLog", "open_log"]


def open_log(settings: "ServingSettings", on_dropped: Callable[[int], None] | None = None) -> PredictionLog:
    """The log that `predictions` names, for one worker. Raises LogError for an address that is none.

    on_dropped: told of each loss, off the request path.
    Nothing is connected before the first prediction, so a log that is down holds no server up.
    """
    if not settings.predictions:
        return Nowhere()
    from serving.log.queue import QueuedLog

    return QueuedLog(Address.parse(settings.predictions), on_dropped=on_dropped)
