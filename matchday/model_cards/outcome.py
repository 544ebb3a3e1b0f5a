"""The model card of `match-outcome`, `docs/models/match-outcome.md`."""

from collections.abc import Sequence

from matchday.model_cards.calibration_plot import draw_calibration
from matchday.model_cards.markdown import season_name, table
from matchday.models.alarms import raise_alarms
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.match_outcome.reported import OutcomeBacktest
from matchday.models.match_outcome.settled_goals import Parameters
from matchday.ratings.strength import StrengthState
from matchday.scores.calibration import class_bins

COLUMNS = ("matches", "RPS", "log loss", "Brier", "accuracy", "calibration", "slope")


def outcome_card(found: OutcomeBacktest, plot: str) -> str:
    """The card in Markdown. plot: file name of the calibration plot, beside it."""
    ratings, given = StrengthState(), Parameters()
    decays = ", ".join(f"{decay:g}" for decay in ratings.decays)
    alarms = "\n".join(f"- {alarm}" for alarm in raise_alarms(found.evaluation)) or "No alarm was raised."
    return TEXT.format(
        about=MATCH_OUTCOME.about,
        first=season_name(found.seasons[0]),
        latest=season_name(found.latest[0]),
        last=season_name(found.seasons[-1]),
        decays=decays,
        xg_share=ratings.xg_share,
        stand_in_share=ratings.stand_in_share,
        settled_penalty=given.settled_penalty,
        calibration_penalty=given.calibration_penalty,
        learnt=_learnt(found),
        whole=forecaster_table(found, found.seasons),
        late=forecaster_table(found, found.latest),
        seasons=season_table(found),
        plot=plot,
        alarms=alarms,
    )


def outcome_plot(found: OutcomeBacktest) -> str:
    """The calibration plot of the reported matches: a panel each for home, draw and away."""
    walk = found.walk()
    names = MATCH_OUTCOME.output.labels
    panels = {name: class_bins(walk.numbers, walk.results, place) for place, name in enumerate(names)}
    return draw_calibration(panels, "probability said", "share that happened")


def forecaster_table(found: OutcomeBacktest, seasons: Sequence[str]) -> str:
    """Scores of all forecasters, and the paired gap of the model to each."""
    rows = [
        (name, *score_cells(found.scores(name, seasons)), *gap_cells(found, name, seasons))
        for name in by_rps(found, seasons)
    ]
    return table(("forecaster", *COLUMNS, "ours - it, RPS", "+-"), rows)


def season_table(found: OutcomeBacktest) -> str:
    """Scores of the model, season by season."""
    return table(
        ("season", *COLUMNS), [(season_name(one), *score_cells(found.scores(None, [one]))) for one in found.seasons]
    )


def by_rps(found: OutcomeBacktest, seasons: Sequence[str]) -> list[str]:
    """Names of the forecasters, the best first."""
    return sorted(found.evaluation.walks, key=lambda name: found.scores(name, seasons)["rps"])


def score_cells(scores: dict[str, float]) -> tuple[str, ...]:
    """Cells of `COLUMNS`."""
    named = ("rps", "log_loss", "brier", "accuracy", "calibration_error")
    return (f"{scores['matches']:,}", *(f"{scores[name]:.4f}" for name in named), f"{scores['slope']:.2f}")


def gap_cells(found: OutcomeBacktest, name: str, seasons: Sequence[str]) -> tuple[str, str]:
    """Cells of the paired gap, dashes for the model itself."""
    if name == MATCH_OUTCOME.name:
        return "-", "-"
    gap = found.gap(name, seasons)
    return f"{gap.mean:+.4f}", f"{gap.standard_error:.4f}"


def _learnt(found: OutcomeBacktest) -> str:
    model = found.last_model()
    rows = (
        ("log goals that a settled team scores more", f"{model.scored:+.3f}"),
        ("log goals that a settled team concedes more", f"{model.conceded:+.3f}"),
        ("sharpness of the three probabilities", f"{model.sharpness:.3f}"),
        ("shift of the draw, in log-odds", f"{model.draw:+.3f}"),
    )
    return table(("what is learnt, from all matches", "value"), rows)


TEXT = """\
# match-outcome

{about} Written by `make cards`; CI writes it again and compares.

## Intended use

To forecast a match before kick-off, for people who follow the league, and as the example of this project for running a
model in production. It is no advice on bets: closing odds know more (`matchday market compare` says how much, on odds
of your own).

## Data

Results of 2014/15 to {last} and what players did in them from 2016/17 on, as bundled in `data/`. Expected goals from
26 December 2022, when they were published; before, the fantasy game's threat, creativity and saves stand in for them,
by a regression fitted on earlier seasons alone. Betting odds are never read.

## Method

Attack and defence of each team from goals and expected goals, as the mean of fits with decays of {decays} a day.
Expected goals have a weight of {xg_share:g} beside goals, what stands in for them {stand_in_share:g}. The home edge
moves over years, and closed doors have one of their own. A team for which no place that means something is in reach is
*settled*. The rates of goals give all scores by Poisson distributions with Dixon and Coles' correction, and their sums
home, draw and away, which are then calibrated.

{learnt}

Penalties: {settled_penalty:g} on what being settled does, {calibration_penalty:g} on the calibration. How these were
set, and how far the reported seasons had no say in it:
[decision 29](../decisions/0029-nothing-is-chosen-on-what-is-reported.md). What was tried besides:
[experiments](experiments.md).

## Scores, walk-forward

Each match was forecast by a model that had seen nothing later, learnt again each week. RPS: ranked probability score
divided by two, lower is better. Calibration: mean gap of said and happened in ten bins of equal count, of each outcome
alone, then their mean; a perfect forecast of 2,660 matches has .0118 on average, and more than .0167 once in twenty
times. Slope: 1 where forecasts are as sure as they should be. The last two columns are the mean paired difference to
ours and its standard error, over weeks.

{first} to {last}:

{whole}

{latest} to {last}:

{late}

By season:

{seasons}

Seasons differ more than forecasters do: compare on the same matches only.

## Calibration

![Calibration by outcome]({plot})

Ten bins of equal count for each outcome, {first} to {last}; vertical lines are two standard errors.

## Too good to be true?

Nobody beats the closing odds for long: an RPS below .1968 on the 2,660 matches, below .1938 on the last 1,140, or an
accuracy above 56 % would mean a leak.

{alarms}

## Limits

- It knows no line-ups, injuries or managers, and reacts to a change of strength over some ten matches.
- A team new to the league starts from the prior of promoted teams.
- It hardly ever makes the draw the most probable outcome; neither do bookmakers.
- The first day behind closed doors (17 June 2020, two matches) was forecast with the home edge of full stadiums.
- Men's Premier League alone; the settings say nothing of other leagues.
"""
