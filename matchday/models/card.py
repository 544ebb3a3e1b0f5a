"""The model card of `match-outcome`."""

import pandas as pd

from matchday.models.evaluation import Evaluation
from matchday.models.export import TOLERANCE
from matchday.models.training import Trained


def card(trained: Trained, evaluation: Evaluation) -> str:
    """The card in Markdown: what the model is, what it learnt from, how well it forecasts, where it fails."""
    weights = ", ".join(f"{member} {weight:.2f}" for member, weight in trained.weights.items())
    return f"""# match-outcome

Probabilities of home win, draw and away win of a Premier League match, from what is known before kick-off.

## What it is

A calibrated log-linear pool of three members: a goals model (time-weighted attack and defence from goals and
expected goals, Dixon-Coles correction), gradient-boosted trees that correct it, and a multinomial logistic
regression on its log-odds and the Elo gap. Weights of the pool: {weights}. One ONNX graph, input `features`
(n, k) float32, output `probabilities` (n, 3) float32 in the order H, D, A. It uses no betting odds.

## What it learnt from

{trained.matches} matches that ended by {trained.trained_until}; data fingerprint `{trained.data}`.
Parity of graph and Python: largest difference {trained.parity.largest:.1e} over {trained.parity.rows} matches
(limit {TOLERANCE:.0e}).

## How well it forecasts

Walk-forward: each match was forecast by a model that had seen nothing later.

{table(evaluation.scoreboard())}

By season:

{table(evaluation.by_season())}

RPS: ranked probability score divided by two, lower is better. Differences between seasons are larger than those
between models: compare on the same matches only.

## Where it fails

It knows no line-ups, injuries or managers. A team new to the league starts from the prior of promoted teams and
takes some ten matches to be known. It hardly ever makes the draw the favourite; neither does the market. Seasons
before 2022/23 have no expected goals: a stand-in from the fantasy game's threat and creativity fills their place.
"""


def table(rows: pd.DataFrame) -> str:
    """A frame as a Markdown table: shares and scores with four decimals."""
    lines = ["| " + " | ".join(map(str, rows.columns)) + " |", "|" + " --- |" * len(rows.columns)]
    for row in rows.itertuples(index=False):
        cells = [f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
