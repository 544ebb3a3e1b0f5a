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

Column = tuple[str, float | None]
"""Name of a column of Feast's answer, and the most days of rest that it counts; None for a column taken as it is."""


class Lookup:
    """A feature store whose service is held, not looked up by name for each request: that would cost 1.9 ms."""

    def __init__(self) -> None:
        bundle = Path(os.environ["BENCH_BUNDLE"])
        signature = json.loads((bundle / "signature.json").read_text())
        self.store = FeatureStore(repo_path=os.environ["BENCH_FEAST"])
        self.service = self.store.get_feature_service(signature["feature_service"])
        self.columns = columns_of(signature)

    def vectors(self, home: list[str], away: list[str], kickoff: list[datetime]) -> npt.NDArray[np.float32]:
        """Feature vectors (n, k) of n matches."""
        response = self.store.get_online_features(
            features=self.service, entity_rows={"home": home, "away": away}, full_feature_names=True
        )
        return self._assemble(response.to_dict(), kickoff)

    def _assemble(self, found: dict[str, list[Any]], kickoff: list[datetime]) -> npt.NDArray[np.float32]:
        moments = [moment.timestamp() for moment in kickoff]
        columns = [
            found[name]
            if at_most is None
            else [_rest(value, moment, at_most) for value, moment in zip(found[name], moments, strict=True)]
            for name, at_most in self.columns
        ]
        return np.array(columns, np.float32).T


def columns_of(signature: dict[str, Any]) -> list[Column]:
    """The columns of a feature vector, as `signature.json` has them."""
    return [
        (f"{ref['input']}__{ref['view']}__{ref['feature']}", ref["derived"] and float(ref["derived"]["at_most"]))
        for ref in signature["features"]
    ]


def _rest(last: int | None, kickoff: float, at_most: float) -> float | None:
    """Days of rest before a match, from the last one's Unix seconds."""
    return None if last is None else min(max((kickoff - last) / DAY, 0.0), at_most)
