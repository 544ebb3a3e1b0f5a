"""Names of the Kafka topics, each with the version of what is in it."""

RESULTS = "matchday.results.v1"
PLAYER_STATS = "matchday.player-stats.v1"
PREDICTIONS = "matchday.predictions.v1"
DEAD_LETTERS = "matchday.dead-letters.v1"
