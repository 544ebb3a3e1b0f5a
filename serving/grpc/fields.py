"""Fields at the top of a protobuf message, counted before it is parsed: parsing millions of them would take long."""

from serving.protobuf import read_field

MOST_FIELDS = 256
"""Inputs, outputs, parameters and raw contents of one request."""


def has_many_fields(body: bytes) -> bool:
    """Whether a message has more than `MOST_FIELDS`, or is none that this protocol writes. Skips what they hold."""
    at = fields = 0
    try:
        while at < len(body):
            fields += 1
            if fields > MOST_FIELDS:
                return True
            _, _, at = read_field(body, at)
    except ValueError:
        return True
    except IndexError:
        return False  # cut short: the parser refuses it
    return False
