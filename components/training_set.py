"""Step: the training set of a model, joined by Feast at each match's own moment."""

from kfp import dsl

from components.image import component


@component
def training_set(model_name: str, features: str, as_of: str, training: dsl.Output[dsl.Dataset]) -> None:
    """Every match that had ended by `as_of`, with its features as known just before kick-off."""
    from components.step import step
    from feature_repo.training import training_set
    from matchday import calendar
    from matchday.models.catalogue import model_kind

    with step("training-set") as here:
        moment = calendar.parse(as_of)
        rows = training_set(model_kind(model_name), here.settings, here.lake, features, moment)
        rows.to_parquet(training.path, index=False)
        training.metadata.update(matches=len(rows), until=str(rows["kickoff"].max()))
        here.say(f"{len(rows):,} matches until {rows['kickoff'].max():%Y-%m-%d}, point-in-time features of each")
