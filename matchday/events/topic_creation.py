"""Creates the topics with their settings; those that are there stay as they are."""

from collections.abc import Sequence
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from matchday.durations import DAY
from matchday.events.cluster import KafkaCluster
from matchday.events.errors import EventsError
from matchday.events.failures import client_failures
from matchday.events.topics import Topic

OPTIONS: dict[str, Any] = {"client_id": "matchday", "bootstrap_timeout_ms": 10_000, "request_timeout_ms": 10_000}


def create_topics(cluster: KafkaCluster, topics: Sequence[Topic], partitions: int, replicas: int) -> list[str]:
    """Create the topics that are not there. Returns the names of the new ones. Raises EventsError."""
    with client_failures() as failure:
        try:
            admin = KafkaAdminClient(**cluster.options(), **OPTIONS)
            try:
                return [topic.name for topic in topics if _create(admin, topic, partitions, replicas)]
            finally:
                admin.close()
        except KafkaError as error:
            raise EventsError(f"{cluster}: topics cannot be created: {failure.explain(error)}") from None


def _create(admin: Any, topic: Topic, partitions: int, replicas: int) -> bool:
    keep = str(round(topic.keep_days * DAY * 1000)) if topic.keep_days else "-1"
    configs = {"retention.ms": keep, "cleanup.policy": "delete"}
    settings = {"num_partitions": partitions, "replication_factor": replicas, "configs": configs}
    try:
        admin.create_topics({topic.name: settings}, raise_errors=True, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        return False
    return True
