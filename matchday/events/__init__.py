"""The one door to Kafka: CloudEvents on topics, with their JSON Schemas, a producer, a consumer and a file stand-in.

An address says where events are: `kafka://HOST:PORT[,HOST:PORT]` or `file:PATH`. TLS, SASL and the brokers of
`kafka://` are the settings `MATCHDAY_KAFKA_*`. Importing this imports neither Kafka's client nor pydantic.
"""

from matchday.events.address import EventsAddress
from matchday.events.envelope import CloudEvent
from matchday.events.errors import EventsError
from matchday.events.topics import DEAD_LETTERS, PLAYER_STATS, PREDICTIONS, RESULTS, STREAMED, TOPICS, Topic

__all__ = [
    "DEAD_LETTERS",
    "PLAYER_STATS",
    "PREDICTIONS",
    "RESULTS",
    "STREAMED",
    "TOPICS",
    "CloudEvent",
    "EventsAddress",
    "EventsError",
    "Topic",
]
