"""A machine that asks the stand-in for all its sources, at the stand-in's instant and without waiting."""

from datetime import datetime
from pathlib import Path

import pandas as pd
from pandera.pandas import DataFrameModel

from console.demo.upstream.server import UpstreamServer
from matchday.collected.configured import SourceSettings
from matchday.collected.configured_update import update_place
from matchday.collected.report import UpdateReport
from matchday.collected.settled import Place
from matchday.collected.store import ObservationStore
from matchday.lake import Lake
from matchday.sources.snapshot import Snapshot

ALL = "fpl,football_data_uk,football_data_org"


class LivingMachine:
    """A machine with a lake, what it collected, and a bundled history. asked: paths of the last update's requests.

    names: of the sources, as MATCHDAY_SOURCES has them.
    """

    def __init__(self, folder: Path, server: UpstreamServer, snapshot: Snapshot) -> None:
        self.url, self.lake, self.snapshot = str(folder / "collected"), Lake(str(folder / "lake")), snapshot
        self.asked: list[str] = []
        self.server, self.names = server, ALL

    @property
    def store(self) -> ObservationStore:
        """What it collected."""
        return ObservationStore(self.url)

    def update(self, moment: datetime | None = None) -> UpdateReport:
        """Update at the stand-in's instant; with a moment, make that the instant first."""
        server = self.server
        server.now = moment or server.now
        server.requests.clear()
        settings = SourceSettings(
            sources=self.names,
            fpl_url=f"{server.url}/api",
            football_data_uk_url=server.url,
            football_data_org_url=server.url,
            football_data_token=server.token,
        )
        now, place = server.now, Place(self.url, self.lake.storage.url, self.snapshot.folder)
        report = update_place(place, settings, lambda: now, lambda _: None)
        self.asked = [request.path for request in server.requests]
        return report

    def living(self, table: type[DataFrameModel], season: str) -> pd.DataFrame:
        """The lake's rows of a season."""
        return self.lake.read(table, [season])
