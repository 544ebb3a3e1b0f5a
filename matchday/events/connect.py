"""Consumers for an address: of a Kafka topic or of a file."""

from matchday.events.address import EventsAddress
from matchday.events.consumer import EventConsumer
from matchday.events.topics import Topic


def open_consumer(address: EventsAddress, topic: Topic) -> EventConsumer:
    """A consumer of the events at an address; connected when first asked. Raises EventsError for bad settings."""
    if address.kind == "kafka":
        from matchday.events.settings import cluster_at
        from matchday.events.topic_consumer import TopicConsumer

        return TopicConsumer(cluster_at(address), topic)
    from matchday.events.file_consumer import FileConsumer

    return FileConsumer(address.path, topic)
