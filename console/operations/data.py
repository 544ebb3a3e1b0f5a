"""Live data: updated, and described. Without pandas: an update that finds nothing new answers at once."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from matchday import telemetry
from matchday.collected.configured import SourceSettings
from matchday.collected.configured_update import update_configured
from matchday.collected.report import UpdateReport
from matchday.collected.standings import SourceStanding, read_standings
from matchday.forecasts.data_age import describe_age
from matchday.settings import Settings
from matchday.storage import Storage


def update() -> UpdateReport:
    """Ask every source, and take in what is new. Raises MatchdayError; a source that fails is in the report."""
    settings = Settings()
    settings.make_home()
    with telemetry.span("update data"):
        return update_configured(settings, _now)


def describe_report(report: UpdateReport) -> dict[str, Any]:
    """An update as JSON can hold it."""
    return {
        "moment": report.moment.isoformat(timespec="seconds"),
        "sources": [{**asdict(one.standing), "added": dict(one.added), "error": one.error} for one in report.sources],
        "changes": [asdict(one) for one in report.changes],
        "refused": [asdict(one) for one in report.refused],
        "in_quarantine": report.kept,
        "disagreements": [asdict(one) for one in report.disagreements],
        "warnings": list(report.warnings),
        "seasons": list(report.seasons),
        "tables": list(report.tables),
    }


def sources() -> list[SourceStanding]:
    """How each source stands that is asked or ever was, without asking it. Raises SettingsError."""
    standings = read_standings(Storage(Settings().collected))
    names = [*SourceSettings().names(), *standings]
    return [standings.get(name, SourceStanding(name)) for name in dict.fromkeys(names)]


def tell_age(standing: SourceStanding) -> str:
    """How long ago a source last gave its data; empty when it never did."""
    given = standing.last_success
    return describe_age(_now() - datetime.fromisoformat(given)) if given else ""


def _now() -> datetime:
    return datetime.now(UTC)
