"""Features: pure functions of ratings and histories as known at a time."""
