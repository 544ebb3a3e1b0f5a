"""What one source gave in one update."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from pandera.pandas import DataFrameModel

from matchday.sources.rows import Refusal


@dataclass(frozen=True)
class Collected:
    """Rows by table, and the rows that were refused. fresh: some answer was new."""

    season: str
    tables: Mapping[type[DataFrameModel], pd.DataFrame]
    refused: tuple[Refusal, ...] = ()
    fresh: bool = True
