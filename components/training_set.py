"""Step: the training set, joined by Feast at each match's own moment."""

from kfp import dsl

from components.image import component


@component
def training_set(features: str, as_of: str, training: dsl.Output[dsl.Dataset]) -> None:
    """Every match that had ended by `as_of`, with its features as known just before kick-off."""
    from components.step import step
    from feature_repo.training import outcome_training_set
    from matchday import calendar

    with step("training-set") as here:
        rows = outcome_training_set(here.settings, here.lake, features, calendar.parse(as_of))
        rows.to_parquet(training.path, index=False)
        training.metadata.update(matches=len(rows), until=str(rows["kickoff"].max()))
        here.say(f"{len(rows):,} matches until {rows['kickoff'].max():%Y-%m-%d}, point-in-time features of each")
