"""Step: the training set of a model, joined by Feast at each row's own moment."""

from kfp import dsl

from components.image import component


@component
def training_set(model_name: str, features: str, as_of: str, training: dsl.Output[dsl.Dataset]) -> None:
    """All that had ended by `as_of`, matches or players' matches, with their features as known before."""
    from components.step import step
    from feature_repo.training import training_set
    from matchday import calendar
    from matchday.models.catalogue import model_kind

    with step("training-set") as here:
        moment = calendar.parse(as_of)
        kind = model_kind(model_name)
        rows = training_set(kind, here.settings, here.lake, features, moment)
        rows.to_parquet(training.path, index=False)
        last = rows["kickoff"].max()
        training.metadata.update(matches=len(rows), until=str(last))
        here.say(f"{len(rows):,} {kind.subject.plural} until {last:%Y-%m-%d}, point-in-time features of each")
