"""The model `match-outcome`: probabilities of home win, draw and away win."""
