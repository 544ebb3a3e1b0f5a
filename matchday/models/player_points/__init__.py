"""`player-points`: FPL points of a player. What stands here is tested; the model itself is not in the catalogue yet."""
