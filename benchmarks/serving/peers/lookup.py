"""Features of matches from Feast's online store, as its documentation has it: shared by all peers."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from feast import FeatureStore

DAY = 86_400
LONGEST_REST = 14.0


class Lookup:
    """A feature store whose service is held, not looked up by name for each request: that would cost 1.9 ms."""

    def __init__(self) -> None:
        bundle = Path(os.environ["BENCH_BUNDLE"])
        signature = json.loads((bundle / "signature.json").read_text())
        self.store = FeatureStore(repo_path=os.environ["BENCH_FEAST"])
        self.service = self.store.get_feature_service(signature["feature_service"])
        self.columns = [
            (f"{ref['entity']}__{ref['view']}__{ref['feature']}", ref["transform"] is not None)
            for ref in signature["features"]
        ]

    def vectors(self, home: list[str], away: list[str], kickoff: list[datetime]) -> npt.NDArray[np.float32]:
        """Feature vectors (n, k) of n matches."""
        response = self.store.get_online_features(
            features=self.service, entity_rows={"home": home, "away": away}, full_feature_names=True
        )
        return self._assemble(response.to_dict(), kickoff)

    def _assemble(self, found: dict[str, list[Any]], kickoff: list[datetime]) -> npt.NDArray[np.float32]:
        moments = [moment.timestamp() for moment in kickoff]
        columns = [
            [_rest(value, moment) for value, moment in zip(found[name], moments, strict=True)]
            if is_rest
            else found[name]
            for name, is_rest in self.columns
        ]
        return np.array(columns, np.float32).T


def _rest(last: int | None, kickoff: float) -> float | None:
    """Days of rest before a match, from the last one's Unix seconds."""
    return None if last is None else min(max((kickoff - last) / DAY, 0.0), LONGEST_REST)
