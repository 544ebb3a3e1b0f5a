"""When a feature row is out of date: one rule for the server, the forecasts and every reader of Feast.

A row is out of date for a moment when it is older than its view's TTL then; at exactly the TTL it is not, as in
Feast's joins. The moment is the kick-off where one is asked about, otherwise now. Joins and Feast's readers give null
for such a row. Forecasts use it and say so: in summer there is no newer one.
"""

import math

from matchday.signature import Signature


def view_ttls(signature: Signature) -> dict[str, float]:
    """The TTL of each view that a model reads, in seconds; infinite for none."""
    return {view.name: math.inf if view.ttl_seconds is None else view.ttl_seconds for view in signature.views}


def is_expired(event_time: float, moment: float, ttl: float) -> bool:
    """Whether a row is out of date. event_time, moment: Unix seconds. ttl: seconds, infinite for none."""
    return event_time < moment - ttl
