"""The sources that this machine asks, from its settings: the `MATCHDAY_*` variables of live sources."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from matchday.collected.awaited import awaited_matches, known_appearances
from matchday.collected.precedence import ORDER
from matchday.collected.store import ObservationStore
from matchday.settings import SettingsError
from matchday.sources import football_data_org, football_data_uk, fpl, fpl_appearances
from matchday.sources.collected import Collected
from matchday.sources.raw import RawAnswers
from matchday.sources.upstream import SourceError, Upstream
from matchday.tables.observed import ObservedFixtures

JULY = 7
"""The month in which a season begins."""


class SourceSettings(BaseSettings):
    """Which live sources are asked, and where."""

    model_config = SettingsConfigDict(env_prefix="MATCHDAY_", frozen=True)

    sources: str | None = Field(
        None,
        description="Names with commas between; empty: none. Default: fpl, football_data_uk, and football_data_org"
        " where its token is set.",
    )
    fpl_url: str = Field(fpl.URL, description="The Fantasy Premier League's API, or a stand-in.")
    football_data_uk_url: str = Field(football_data_uk.URL, description="football-data.co.uk, or a stand-in.")
    football_data_org_url: str = Field(football_data_org.URL, description="football-data.org's API, or a stand-in.")
    football_data_token: SecretStr | None = Field(None, description="Token of football-data.org.")

    def names(self) -> list[str]:
        """The sources that are asked, the most believed first. Raises SettingsError for one that cannot be."""
        if self.sources is None:
            chosen = {fpl.SOURCE, football_data_uk.SOURCE} | ({football_data_org.SOURCE} if self._token else set())
        else:
            chosen = {one.strip() for one in self.sources.split(",") if one.strip()}
        if unknown := sorted(chosen - set(ORDER)):
            raise SettingsError(f"MATCHDAY_SOURCES: no source {', '.join(unknown)}; there are: {', '.join(ORDER)}")
        if football_data_org.SOURCE in chosen and not self._token:
            raise SettingsError(f"MATCHDAY_SOURCES: {football_data_org.SOURCE} needs MATCHDAY_FOOTBALL_DATA_TOKEN")
        return [source for source in ORDER if source in chosen]

    @property
    def _token(self) -> str:
        return self.football_data_token.get_secret_value() if self.football_data_token else ""

    def build(
        self, answers: RawAnswers, now: Callable[[], datetime], sleep: Callable[[float], None] = time.sleep
    ) -> dict[str, Callable[[], Collected]]:
        """What asks each source, by its name. Raises SettingsError as `names`, SourceError for a malformed address.

        sleep: waits between requests.

        The fantasy game says which season is under way; the others are asked for that one, or by the date without it.
        """
        said: list[str] = []

        def season() -> str:
            return said[-1] if said else season_of(now())

        def ask_game() -> Collected:
            source = Upstream(fpl.SOURCE, self.fpl_url, answers, pace_seconds=fpl.PACE_SECONDS, now=now, sleep=sleep)
            given, listing = fpl.collect_listed(source)
            said.append(given.season)
            return add_appearances(source, given, listing, ObservationStore(answers.url))

        def ask_files() -> Collected:
            source = Upstream(
                football_data_uk.SOURCE,
                self.football_data_uk_url,
                answers,
                pace_seconds=football_data_uk.PACE_SECONDS,
                now=now,
                sleep=sleep,
            )
            return football_data_uk.collect(source, season())

        def ask_witness() -> Collected:
            source = Upstream(
                football_data_org.SOURCE,
                self.football_data_org_url,
                answers,
                headers={football_data_org.AUTHENTICATION: self._token},
                pace_seconds=football_data_org.PACE_SECONDS,
                now=now,
                sleep=sleep,
            )
            return football_data_org.collect(source, season())

        asked = {fpl.SOURCE: ask_game, football_data_uk.SOURCE: ask_files, football_data_org.SOURCE: ask_witness}
        return {source: asked[source] for source in self.names()}


def add_appearances(source: Upstream, given: Collected, listing: fpl.Listing, store: ObservationStore) -> Collected:
    """What the game gave, and the appearances that the store awaits; without them, and why, when they cannot be had."""
    known = known_appearances(store, given.season)
    wanted = awaited_matches(listing, given.tables[ObservedFixtures], known)
    try:
        played = fpl_appearances.collect(source, listing, wanted, known)
    except SourceError as why:
        return replace(given, failure=why)
    tables = {**given.tables, **played.tables}
    return Collected(given.season, tables, (*given.refused, *played.refused), given.fresh or played.fresh)


def season_of(moment: datetime) -> str:
    """The season that a moment lies in: "2627" from July 2026 to June 2027."""
    day = moment.astimezone(UTC)
    year = day.year if day.month >= JULY else day.year - 1
    return f"{year % 100:02}{(year + 1) % 100:02}"
