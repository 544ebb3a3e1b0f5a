"""The model card of a trained model."""

import pandas as pd

from matchday.models.evaluation import Evaluation
from matchday.models.graph import FEATURES, TOLERANCE
from matchday.models.kind import ModelKind
from matchday.models.recipe import CardNotes
from matchday.models.trained import Trained


def card(trained: Trained, evaluation: Evaluation, notes: CardNotes) -> str:
    """The card in Markdown: what the model is, what it learnt from, how well it forecasts, where it fails."""
    kind = evaluation.kind
    output = kind.output
    order = f" in the order {', '.join(output.classes)}" if output.classes else ""
    width = f"(n, {len(output.classes)})" if output.classes else "(n,)"
    given = f"output `{output.name}` {width} float32{order}.{_further(kind)}"
    return f"""# {kind.name}

{kind.about} Forecast from what is known before kick-off.

## What it is

{notes.built}

One ONNX graph: input `{FEATURES}` (n, k) float32, {given}

## What it learnt from

{trained.matches} {kind.subject.plural} that ended by {trained.trained_until}; data fingerprint `{trained.data}`.
Parity of graph and Python: largest difference {trained.parity.largest:.1e} over {trained.parity.rows} rows
(limit {TOLERANCE:.0e}).

## How well it forecasts

Walk-forward: each match was forecast by a model that had seen nothing later.

{table(evaluation.scoreboard())}

By season:

{table(evaluation.by_season())}

{kind.score.title}: {kind.score.about}. Differences between seasons are larger than those between models: compare on
the same {kind.subject.plural} only.

## Where it fails

{notes.weak}
"""


def _further(kind: ModelKind) -> str:
    """A sentence for each further output."""
    shapes = {each.name: ", ".join(["n", *map(str, each.shape)]) for each in kind.further}
    return "".join(f" Further output `{each.name}` ({shapes[each.name]}): {each.about}." for each in kind.further)


def table(rows: pd.DataFrame) -> str:
    """A frame as a Markdown table: shares and scores with four decimals."""
    lines = ["| " + " | ".join(map(str, rows.columns)) + " |", "|" + " --- |" * len(rows.columns)]
    for row in rows.itertuples(index=False):
        cells = [f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
