"""What one source gave in one update."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.sources.rows import Refusal
from matchday.sources.upstream import SourceError


@dataclass(frozen=True)
class Collected:
    """Rows by table, and the rows that were refused. fresh: some answer was new.

    failure: why a part is missing, such as the appearances; None when all of it came.
    """

    season: str
    tables: Mapping[type[DataFrameModel], pd.DataFrame]
    refused: tuple[Refusal, ...] = ()
    fresh: bool = True
    failure: SourceError | None = None
