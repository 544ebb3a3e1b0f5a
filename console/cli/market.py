"""`matchday market ...`: forecasts beside the betting market. No advice on stakes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli import screen

if TYPE_CHECKING:
    from console.operations.market import MarketComparison, MomentComparison
    from matchday.market.calibration import Calibration
    from matchday.market.comparison import Difference
    from matchday.market.disagreement import Disagreement

app = typer.Typer(no_args_is_help=True, help="Forecasts beside the betting market, on odds of your own.")

SCORES = {"rps": "RPS", "log_loss": "log loss"}


@app.callback()
def group() -> None:
    """Keep `compare` a command of its own, also while it is the only one."""


@app.command()
def compare(
    odds: Annotated[Path, typer.Option(help="Folder of season files of football-data.co.uk, or one file.")],
    version: Annotated[str | None, typer.Option(help="Version of match-outcome. Default: the champion.")] = None,
    forecasts: Annotated[
        Path | None, typer.Option(help="Parquet file of walk-forward forecasts, instead of a registered version.")
    ] = None,
    margin: Annotated[str, typer.Option(help="shin, power or multiplicative.")] = "shin",
    listed: Annotated[int, typer.Option("--matches", min=0, help="How many of the largest disagreements.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare walk-forward forecasts with betting odds on the same matches.

    Exit code 0: compared, with what was left out said; 2: nothing could be compared.
    """
    from console.operations import market

    if version and forecasts:
        raise typer.BadParameter("give --version or --forecasts, not both")
    found = market.compare_market(odds, version=version, forecasts=forecasts, margin=margin, listed=listed)
    if as_json:
        screen.say(json.dumps(market.describe_comparison(found), indent=1))
        return
    print_comparison(found)


def print_comparison(found: "MarketComparison") -> None:
    """Print differences, calibration and disagreements for each moment, then what was left out."""
    screen.say(f"{found.forecasts}, walk-forward, beside the market (margin: {found.margin})")
    screen.say("", "model - market: below 0 the model is better; +-: standard error; 95 %: bootstrap by week")
    for one in found.moments:
        books = ", ".join(f"{book} {count:,}" for book, count in one.books.items())
        lacking = f"; {one.without_odds:,} matches have none" if one.without_odds else ""
        screen.heading(f"{one.moment.capitalize()} odds: {books}{lacking}")
        _print_differences(one)
        _print_calibration(one)
        _print_disagreements(one)
    if found.notes:
        screen.heading("Left out, or to be looked at")
    for note in found.notes:
        screen.say(f"  {note}")


def _print_differences(one: "MomentComparison") -> None:
    for score, title in SCORES.items():
        rows = [_difference(each) for each in one.differences if each.score == score]
        columns = (title, "matches", "model", "market", "model - market", "+-", "95 % by week")
        screen.table(columns, rows)
        screen.say("")


def _difference(each: "Difference") -> tuple[str, ...]:
    season = each.season if len(each.season) != 4 else f"{each.season[:2]}/{each.season[2:]}"
    interval = "-" if each.low != each.low else f"{each.low:+.4f} to {each.high:+.4f}"
    error = "-" if each.standard_error != each.standard_error else f"{each.standard_error:.4f}"
    numbers = (f"{each.model:.4f}", f"{each.market:.4f}", f"{each.difference:+.4f}")
    return (season, f"{each.matches:,}", *numbers, error, interval)


def _print_calibration(one: "MomentComparison") -> None:
    columns = ("calibration", "model said", "happened", "n", "market said", "happened", "n")
    pairs = zip(one.model.bins, one.market.bins, strict=True)
    rows = [
        (str(place), *(cell for own in pair for cell in (f"{own.said:.3f}", f"{own.happened:.3f}", f"{own.count:,}")))
        for place, pair in enumerate(pairs, start=1)
    ]
    screen.table(columns, rows)
    screen.say(f"model: {_summary(one.model)}; market: {_summary(one.market)}")


def _summary(found: "Calibration") -> str:
    slope = "none" if found.slope != found.slope else f"{found.slope:.2f}"
    return f"mean gap {found.error:.4f}, slope {slope}"


def _print_disagreements(one: "MomentComparison") -> None:
    found = one.disagreements
    screen.say("")
    if found.matches:
        columns = ("largest disagreements", "date", "model H D A", "market H D A", "apart", "score", "RPS difference")
        screen.table(columns, [_disagreement(each) for each in found.matches], text_columns=4)
    screen.say(
        f"the tenth with the largest disagreement, {found.count:,} matches: mean difference {found.mean:+.4f},"
        f" which makes {found.part:+.4f} of the mean over all"
    )


def _disagreement(each: "Disagreement") -> tuple[str, ...]:
    said = (" ".join(f"{100 * one:4.1f}" for one in numbers) for numbers in (each.model, each.market))
    return (
        each.match_id,
        f"{each.kickoff:%Y-%m-%d}",
        *said,
        f"{100 * each.distance:.1f}",
        each.score,
        f"{each.difference:+.4f}",
    )
