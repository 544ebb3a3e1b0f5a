"""Hint of a Job of the chart: which ports its NetworkPolicies open for a store that does not answer."""

import json
import os

from matchday.patience import NotYet

VARIABLE = "MATCHDAY_EGRESS_PORTS"
"""JSON that the chart gives its Jobs where policies are on: by the name of each store that is not the chart's, its
`address` (scheme and host) and the `ports` that are open."""


def hint(error: Exception) -> str:
    """What to add to an error that a store has not answered; nothing for another error, or for another process."""
    late = isinstance(error, NotYet) or isinstance(error.__cause__, NotYet)
    if not late or not (given := os.environ.get(VARIABLE)):
        return ""
    for name, opened in json.loads(given).items():
        if opened["address"] in str(error):
            ports = ", ".join(map(str, opened["ports"]))
            return (
                f"; the release's NetworkPolicies open port {ports} to Jobs for it: where its pods listen on another "
                f"behind a Service, set networkPolicy.podPorts.{name}"
            )
    return ""
