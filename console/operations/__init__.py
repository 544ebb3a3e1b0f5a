"""Use cases. They take and return typed values, report progress as events, and print nothing."""
