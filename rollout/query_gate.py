"""PromQL gate of a specification: a query, its limit, and the placeholders that are replaced in it."""

import re
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from matchday.errors import MatchdayError
from rollout.judge import CHECK_NAMES

VERSION, STABLE, CANDIDATE, SERVERS = "version", "stable", "candidate", "servers"
OF_COUNTS = (VERSION, SERVERS)
"""Placeholders of a query that is asked for each version."""
OF_A_NUMBER = (STABLE, CANDIDATE)
"""Placeholders of a query that is asked once."""
PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
PLAIN = re.compile(r"[A-Za-z0-9_.:\[\]-]+")
"""Text that cannot end a quoted string of PromQL, of whatever quotes."""


class QueryError(MatchdayError):
    """A query that cannot be asked, or an answer that is not what it should be."""


class QueryGate(BaseModel):
    """A check by PromQL, in camelCase.

    With `total`, both queries give counters that only rise, one series for each server, and are asked for each version;
    the rise of the share of events is judged as `errors` is. Without it the query gives one number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    name: str = Field(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$", max_length=63, description="Name of the check.")
    query: str = Field(min_length=1, max_length=4096, description="PromQL: counters of events, or one number.")
    total: str = Field("", max_length=4096, description="PromQL: counters of everything; empty: query gives a number.")
    limit: float = Field(
        allow_inf_nan=False, description="Largest rise of the share of events, above 0 and below 1; or largest number."
    )
    for_seconds: float = Field(
        300.0, ge=0, allow_inf_nan=False, description="Time that a number must stay above the limit to fail."
    )

    @model_validator(mode="after")
    def _is_askable(self) -> "QueryGate":
        if self.name in CHECK_NAMES:
            raise ValueError(f"{self.name} is a check of the judge's own: give it another name")
        allowed = OF_COUNTS if self.total else OF_A_NUMBER
        for query in filter(None, (self.query, self.total)):
            used = placeholders_of(query)
            if unknown := [name for name in used if name not in allowed]:
                known = " and ".join(f"{{{{{name}}}}}" for name in allowed)
                raise ValueError(f"{self.name}: {{{{{unknown[0]}}}}} is not replaced here; there are {known}")
            if self.total and not used:
                raise ValueError(
                    f"{self.name}: both queries need {{{{version}}}} or {{{{servers}}}} to tell versions apart"
                )
        if self.total and not 0 < self.limit < 1:
            raise ValueError(f"{self.name}: limit is a share of what is counted, above 0 and below 1")
        return self


def placeholders_of(query: str) -> list[str]:
    """Names between double braces."""
    return PLACEHOLDER.findall(query)


def fill(query: str, values: Mapping[str, str | Sequence[str]]) -> str:
    """The query with its placeholders replaced; several values become a pattern for `=~` that matches each exactly.

    Raises QueryError for a value that might not stay within the quotes around it, and for a placeholder without a
    value: an empty text would match series without the label.
    """

    def replacement(found: re.Match[str]) -> str:
        value = values.get(found[1]) or ""
        given = [value] if isinstance(value, str) else [*value]
        for text in given:
            if not PLAIN.fullmatch(text):
                raise QueryError(f"{found[0]} cannot be replaced by {text!r}")
        return given[0] if isinstance(value, str) else "|".join(map(_as_pattern, given))

    return PLACEHOLDER.sub(replacement, query)


def _as_pattern(text: str) -> str:
    """A regular expression for exactly this text, without the backslashes that quotes would read."""
    return re.sub(r"[.\[\]]", lambda found: f"[{found[0]}]" if found[0] != "[" else "[[]", text)
