"""The gate before the registry: may a trained model be registered as a challenger?"""

from dataclasses import dataclass

from matchday.models.evaluation import Evaluation


@dataclass(frozen=True)
class GateVerdict:
    """passed, and a sentence for each finding that kept it from passing."""

    passed: bool
    reasons: tuple[str, ...]


def judge(evaluation: Evaluation) -> GateVerdict:
    """Compare walk-forward scores with the model's `GateRules`."""
    rules, score = evaluation.kind.gate, evaluation.kind.score
    own = evaluation.scores()
    matches = int(own["matches"])
    reasons = []
    if matches < rules.least_matches:
        reasons.append(
            f"only {matches} {evaluation.kind.subject.plural} were forecast, {rules.least_matches} are needed"
        )
    for name in rules.beats:
        other = evaluation.scores(name)[score.name]
        if not own[score.name] < other:
            reasons.append(f"{score.title} {own[score.name]:.4f} does not beat {name} ({other:.4f})")
    for limit in rules.limits:
        value, (low, high) = own[limit.score], limit.bounds(matches)
        if not low <= value <= high:
            side = f"above {high:.3f}" if value > high else f"not above {low:.3f}"
            reasons.append(f"{limit.score.replace('_', ' ')} {value:.3f} is {side}: {limit.fault}")
    return GateVerdict(not reasons, tuple(reasons))
