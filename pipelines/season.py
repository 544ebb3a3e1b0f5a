"""The pipelines of a season under way: `ingest`, `materialise` and `forecast`."""

from kfp import dsl

from components.build_features import build_features
from components.forecast import forecast
from components.materialise import materialise
from components.report_unchanged import report_unchanged
from components.update_data import update_data
from components.verify_online import verify_online


def fill_online_store(as_of: str, traceparent: str) -> None:
    """Features of the history in the lake, and the online store from them. as_of: empty means when the step runs."""
    features = build_features(traceparent=traceparent).set_display_name("Build features").set_caching_options(False)
    online = materialise(features=features.output, as_of=as_of, traceparent=traceparent)
    online.set_display_name("Apply and materialise Feast").set_caching_options(False)
    verified = verify_online(features=features.output, as_of=online.output, traceparent=traceparent)
    verified.set_display_name("Compare online and offline").set_caching_options(False)


@dsl.pipeline(name="ingest", description="From live sources to the lake; where something is new, to the online store.")
def ingest_sources(as_of: str = "", traceparent: str = "") -> None:
    """Ask every configured source; when something is new, make features and fill the online store.

    as_of: moment that the online store is filled as of; empty: when it is filled. Sources are always asked for what
    they say now.
    """
    updated = update_data(traceparent=traceparent).set_display_name("Ask the sources").set_caching_options(False)
    with dsl.If(updated.output == "new", name="new"):
        fill_online_store(as_of, traceparent)
    with dsl.Else(name="unchanged"):
        unchanged = report_unchanged(news=updated.output, traceparent=traceparent)
        unchanged.set_display_name("Nothing is new").set_caching_options(False)


@dsl.pipeline(name="materialise", description="From the tables of the lake to the online store.")
def materialise_features(as_of: str = "", traceparent: str = "") -> None:
    """Make features of what changed, and bring the online store up to `as_of`, or to now."""
    fill_online_store(as_of, traceparent)


@dsl.pipeline(name="forecast", description="Forecasts of the coming gameweeks, recorded until their kick-offs.")
def forecast_coming(as_of: str = "", weeks: int = 2, traceparent: str = "") -> None:
    """Forecast the coming gameweeks with the champion. as_of: another moment than now, which records nothing."""
    made = forecast(as_of=as_of, weeks=weeks, traceparent=traceparent).set_display_name("Forecast the coming gameweeks")
    made.set_caching_options(False)
