"""Why Kafka's client cannot connect, and which setting to look at."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

_HINTS = (
    (r"SaslAuthenticationFailed", "look at MATCHDAY_KAFKA_SASL_USERNAME, _SASL_PASSWORD and _SASL_MECHANISM"),
    (r"UnsupportedSaslMechanism", "look at MATCHDAY_KAFKA_SASL_MECHANISM"),
    (r"TopicAuthorization|ClusterAuthorization", "ask for this user's rights on the topic"),
    (r"Hostname mismatch|IP address mismatch", "look at the address, or at MATCHDAY_KAFKA_SSL_CHECK_HOSTNAME"),
    (r"CERTIFICATE_VERIFY_FAILED", "look at MATCHDAY_KAFKA_SSL_CA_FILE"),
    (r"ALERT|CERTIFICATE_REQUIRED", "look at MATCHDAY_KAFKA_SSL_CERT_FILE: the broker asks for a certificate"),
    (r"\[SSL|Invalid frame length", "look at MATCHDAY_KAFKA_SECURITY_PROTOCOL: one side alone speaks TLS"),
    (
        r"socket disconnected",
        "look at MATCHDAY_KAFKA_SECURITY_PROTOCOL, MATCHDAY_KAFKA_SASL_USERNAME and the broker's log",
    ),
    (r"", ""),
)
"""What a reason looks like -> what to do. Those further up say more; a broker often just closes the connection."""


class LoggedFailure(logging.Handler):
    """The failure that says most of those that Kafka's client logs; the errors that it raises are mere timeouts."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._rank = len(_HINTS)
        self._reason = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the reason if it says as much as the one before."""
        for value in record.args if isinstance(record.args, tuple) else ():
            if isinstance(value, Exception) and "TimeoutError" not in type(value).__name__ and str(value):
                rank = _rank(str(value))
                if rank <= self._rank:
                    self._rank, self._reason = rank, str(value)

    def explain(self, error: Exception) -> str:
        """Why an error was raised and what to do, in one line."""
        reason = self._reason or str(error) or type(error).__name__
        hint = _HINTS[_rank(reason)][1]
        return f"{reason} ({hint})" if hint else reason


@contextmanager
def client_failures() -> Iterator[LoggedFailure]:
    """What Kafka's client logs in the block serves an error message, and is written nowhere."""
    log, failure = logging.getLogger("kafka"), LoggedFailure()
    log.propagate = False
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    log.addHandler(failure)
    try:
        yield failure
    finally:
        log.removeHandler(failure)


def _rank(reason: str) -> int:
    return next(rank for rank, (pattern, _) in enumerate(_HINTS) if re.search(pattern, reason))
