"""What our writers note beside a row in Redis, in a field of its own that Feast and the server do not read.

Eight bytes of the revision; one byte that has 1 when a refill has written the row and 2 when it is derived; the event
time (its length in one byte) that this is said of; and the four-byte fields of the row's features. Of a row with
another event time, which Feast alone has written since, nothing is known: its revision is 0. The scripts beside this
file write and read it.
"""


def mark_name(view: str) -> bytes:
    """The field of a Redis hash that holds the mark of a view's row."""
    return f"_row:{view}".encode()
