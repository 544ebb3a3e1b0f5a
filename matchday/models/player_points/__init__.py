"""The model `player-points`: FPL points of a player in a match, with chances of minutes and quantiles."""
