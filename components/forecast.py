"""Step: forecast the matches of the coming gameweeks, and record the forecasts."""

from components.image import component


@component
def forecast(as_of: str = "", weeks: int = 2, traceparent: str = "") -> str:
    """Forecast the coming matches with the champion; returns the SHA-256 of the batch, empty when nothing is new.

    as_of: another moment than now; such forecasts are not recorded. The same forecasts again change nothing, and from
    its kick-off on a match's forecast is locked.
    """
    from components.step import step
    from matchday import calendar
    from matchday.bundle import read_bundle
    from matchday.forecasts import run
    from serving.storage import fetch, open_registry

    with step("forecast", traceparent) as here:
        champion = fetch(run.CHAMPION, here.settings.home, open_registry(here.settings.tracking_uri))
        moment = calendar.parse(as_of) if as_of else None
        made = run.forecast_and_record(here.settings, read_bundle(champion.folder), moment, weeks, run.read_clock)
        for line in (made.made.sentence, *made.made.notes, *made.made.data.sentences, *made.sentences):
            here.say(line)
        return (made.recorded.sha256 or "") if made.recorded else ""
