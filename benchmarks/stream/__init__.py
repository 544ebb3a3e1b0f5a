"""Speed of the stream through a real Kafka, and its law while its processor is killed again and again."""
