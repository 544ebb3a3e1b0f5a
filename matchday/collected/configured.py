"""The sources that this machine asks, from its settings: the `MATCHDAY_*` variables of live sources."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from matchday.settings import SettingsError
from matchday.sources.live import FOOTBALL_DATA_ORG, FOOTBALL_DATA_UK, FPL, LIVE_SOURCES, LiveSource
from matchday.sources.raw import RawAnswers
from matchday.sources.upstream import Upstream

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
    fpl_url: str = Field(FPL.url, description="The Fantasy Premier League's API, or a stand-in.")
    football_data_uk_url: str = Field(FOOTBALL_DATA_UK.url, description="football-data.co.uk, or a stand-in.")
    football_data_org_url: str = Field(FOOTBALL_DATA_ORG.url, description="football-data.org's API, or a stand-in.")
    football_data_token: SecretStr | None = Field(None, description="Token of football-data.org.")

    def names(self) -> list[str]:
        """The sources that are asked, the most believed first. Raises SettingsError for one that cannot be."""
        if self.sources is None:
            chosen = {FPL.name, FOOTBALL_DATA_UK.name} | ({FOOTBALL_DATA_ORG.name} if self._token else set())
        else:
            chosen = {one.strip() for one in self.sources.split(",") if one.strip()}
        if unknown := sorted(chosen - LIVE_SOURCES.keys()):
            raise SettingsError(
                f"MATCHDAY_SOURCES: no source {', '.join(unknown)}; there are: {', '.join(LIVE_SOURCES)}"
            )
        if FOOTBALL_DATA_ORG.name in chosen and not self._token:
            raise SettingsError(f"MATCHDAY_SOURCES: {FOOTBALL_DATA_ORG.name} needs MATCHDAY_FOOTBALL_DATA_TOKEN")
        return [source for source in LIVE_SOURCES if source in chosen]

    @property
    def _token(self) -> str:
        return self.football_data_token.get_secret_value() if self.football_data_token else ""

    def upstreams(
        self, answers: RawAnswers, now: Callable[[], datetime], sleep: Callable[[float], None] = time.sleep
    ) -> dict[str, Upstream]:
        """The sources that are asked, by name, for one update. sleep: waits between requests.

        Raises SettingsError as `names`, SourceError for a malformed address.
        """
        urls = {
            FPL.name: self.fpl_url,
            FOOTBALL_DATA_ORG.name: self.football_data_org_url,
            FOOTBALL_DATA_UK.name: self.football_data_uk_url,
        }
        return {name: self._upstream(LIVE_SOURCES[name], urls[name], answers, now, sleep) for name in self.names()}

    def _upstream(
        self,
        source: LiveSource,
        url: str,
        answers: RawAnswers,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> Upstream:
        headers = {source.token_header: self._token} if source.token_header else None
        return Upstream(
            source.name, url, answers, headers=headers, pace_seconds=source.pace_seconds, now=now, sleep=sleep
        )


def season_of(moment: datetime) -> str:
    """The season that a moment lies in: "2627" from July 2026 to June 2027."""
    day = moment.astimezone(UTC)
    year = day.year if day.month >= JULY else day.year - 1
    return f"{year % 100:02}{(year + 1) % 100:02}"
