"""Days of rest: what training and the server must count alike. Imports nothing, so that the server may import it."""

DAY = 86_400.0
"""Seconds of a day."""
LONGEST_REST = 14.0
"""Days of rest beyond which more rest says nothing; also the rest of a team that has not played yet."""
