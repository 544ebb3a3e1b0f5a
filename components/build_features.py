"""Step: build form and ratings of every team at every moment."""

from components.image import component


@component
def build_features(history: str = "", traceparent: str = "") -> str:
    """Write the feature tables of a history to the lake; returns their fingerprint.

    history: fingerprint of the history; without it that of the tables that the lake holds now.
    """
    from components.step import step
    from matchday import history as past
    from matchday.features import tables

    with step("build-features", traceparent) as here:
        built = tables.build(here.lake, history or past.fingerprint(here.lake))
        if built.unchanged:
            here.say(f"features {built.features} are in the lake already")
        else:
            rows = {table.__name__: len(here.lake.read(table)) for table in tables.TABLES}
            counts = ", ".join(f"{count:,} rows of {name}" for name, count in rows.items())
            here.say(f"features {built.features}: {counts}")
        return built.features
