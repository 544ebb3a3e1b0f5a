"""A machine that asks the stand-in for all its sources, at the stand-in's instant and without waiting."""

from datetime import datetime
from pathlib import Path

import pandas as pd
from pandera.pandas import DataFrameModel

from console.demo.upstream.server import UpstreamServer
from matchday.collected.configured import SourceSettings
from matchday.collected.store import ObservationStore
from matchday.collected.update import UpdateReport, update
from matchday.lake import Lake
from matchday.sources.raw import RawAnswers
from matchday.sources.snapshot import Snapshot
from matchday.storage import Storage

ALL = "fpl,football_data_uk,football_data_org"


class LivingMachine:
    """A machine with a lake, what it collected, and a bundled history. asked: paths of the last update's requests."""

    def __init__(self, folder: Path, server: UpstreamServer, snapshot: Snapshot) -> None:
        self.url, self.lake, self.snapshot = str(folder / "collected"), Lake(str(folder / "lake")), snapshot
        self.asked: list[str] = []
        self._server = server

    @property
    def store(self) -> ObservationStore:
        """What it collected."""
        return ObservationStore(self.url)

    def update(self, moment: datetime | None = None) -> UpdateReport:
        """Update at the stand-in's instant; with a moment, make that the instant first."""
        server = self._server
        server.now = moment or server.now
        server.requests.clear()
        settings = SourceSettings(
            sources=ALL,
            fpl_url=f"{server.url}/api",
            football_data_uk_url=server.url,
            football_data_org_url=server.url,
            football_data_token=server.token,
        )
        answers, now = RawAnswers(Storage(self.url)), server.now
        sources = settings.build(answers, lambda: now, lambda _: None)
        report = update(self.url, self.lake, self.snapshot, sources, lambda: now)
        self.asked = [request.path for request in server.requests]
        return report

    def living(self, table: type[DataFrameModel], season: str) -> pd.DataFrame:
        """The lake's rows of a season."""
        return self.lake.read(table, [season])
