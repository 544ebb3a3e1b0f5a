"""Token check: the bearer token that clients must send, for HTTP headers and gRPC metadata alike."""

import hmac
from http import HTTPStatus

from serving.protocol.errors import CLOSE, Refusal


class TokenCheck:
    """token: the one that is expected; empty lets everybody in."""

    def __init__(self, token: str) -> None:
        self._expected = token.encode()

    def check(self, authorization: str | None) -> None:
        """Raises Refusal (401) for a header without the token. Takes as long for a wrong token as for the right."""
        if not self._expected:
            return
        scheme, _, given = (authorization or "").partition(" ")
        right = hmac.compare_digest(given.strip().encode(), self._expected)
        if not right or scheme.lower() != "bearer":
            raise Refusal(
                "this server asks for its token: send the header Authorization: Bearer TOKEN",
                HTTPStatus.UNAUTHORIZED,
                (("www-authenticate", "Bearer"), CLOSE),
            )
