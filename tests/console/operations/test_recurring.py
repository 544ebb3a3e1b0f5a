"""Recurring runs of a release on Kubeflow: what is made, replaced, kept and deleted."""

from collections.abc import Iterator

import pytest

from console.cli import cluster as commands
from console.operations import recurring, runs
from console.operations.recurring import RecurringChange, RecurringError
from matchday.errors import MatchdayError
from pipelines.compilation import PIPELINES
from tests.console.conftest import Printed
from tests.pipelines.kubeflow_api import KubeflowApi, kubeflow_api
from tests.services.processes import free_port

ONE, OTHER = "train-match-outcome", "train-total-goals"
MORNING, NOON = "0 6 * * *", "0 12 * * MON-FRI"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[KubeflowApi]:
    """Kubeflow with a version of two pipelines, v0 and v1."""
    with kubeflow_api() as server:
        monkeypatch.setenv("KFP_ENDPOINT", server.endpoint)
        server.pipelines |= {ONE: "p0", OTHER: "p1"}
        for number, version in enumerate(("0.1.0-a", "0.1.0-b")):
            kept = {"display_name": version, "description": "", "pipeline_version_id": f"v{number}"}
            server.versions.append(kept)
        yield server


def schedule(wanted: dict[str, str], version: str = "0.1.0-a", environment: str = "autumn") -> list[RecurringChange]:
    return list(recurring.schedule(environment, wanted, dict.fromkeys((ONE, OTHER), version)))


def names(api: KubeflowApi) -> set[str]:
    return {run["display_name"] for run in api.recurring.values()}


def test_a_recurring_run_has_six_fields_one_run_at_a_time_and_makes_up_for_nothing(api: KubeflowApi) -> None:
    assert schedule({ONE: MORNING}) == [RecurringChange(f"{ONE} of autumn", f"0 {MORNING}", "made")]
    [sent] = api.recurring.values()
    assert sent["trigger"]["cron_schedule"]["cron"] == "0 0 6 * * *"
    assert (sent["mode"], sent["max_concurrency"], sent["no_catchup"]) == ("ENABLE", 1, True)
    reference = {"pipeline_id": "p0", "pipeline_version_id": "v0"}
    assert (sent["experiment_id"], sent["pipeline_version_reference"]) == ("e1", reference)


def test_what_is_as_it_should_be_is_left_alone(api: KubeflowApi) -> None:
    schedule({ONE: MORNING, OTHER: NOON})
    [kept, also] = schedule({ONE: "0  6 * * *", OTHER: NOON})
    assert (kept.done, also.done) == ("kept", "kept")
    assert api.changes == ["made j0", "made j1"]


@pytest.mark.parametrize(("cron", "version"), [(NOON, "0.1.0-a"), (MORNING, "0.1.0-b")])
def test_another_cron_or_version_replaces_it_the_new_one_first(api: KubeflowApi, cron: str, version: str) -> None:
    schedule({ONE: MORNING})
    assert [change.done for change in schedule({ONE: cron}, version)] == ["replaced"]
    assert api.changes == ["made j0", "made j1", "deleted j0"]


def test_what_is_no_longer_wanted_is_deleted_and_other_releases_are_left_alone(api: KubeflowApi) -> None:
    schedule({ONE: MORNING}, environment="green.autumn")
    schedule({ONE: MORNING, OTHER: NOON})
    assert [(change.name, change.done) for change in schedule({ONE: MORNING})] == [
        (f"{ONE} of autumn", "kept"),
        (f"{OTHER} of autumn", "deleted"),
    ]
    assert [change.done for change in schedule({})] == ["deleted"]
    assert names(api) == {f"{ONE} of green.autumn"}


def test_a_run_that_was_interrupted_between_the_two_is_mended(api: KubeflowApi) -> None:
    schedule({ONE: MORNING})
    [first] = api.recurring.values()
    api.recurring["j9"] = {**first, "recurring_run_id": "j9", "trigger": {"cron_schedule": {"cron": f"0 {NOON}"}}}
    schedule({ONE: NOON})
    assert [run["trigger"]["cron_schedule"]["cron"] for run in api.recurring.values()] == [f"0 {NOON}"]


def test_a_pipeline_that_is_not_there_is_named_before_anything_is_changed(api: KubeflowApi) -> None:
    with pytest.raises(RecurringError, match=f"no pipeline tidy; there are: {ONE}, {OTHER}"):
        schedule({ONE: MORNING, "tidy": NOON})
    assert api.recurring == {}


def test_a_version_that_is_not_there_is_named(api: KubeflowApi) -> None:
    with pytest.raises(MatchdayError, match=f"has no version 0.2.0 of {ONE}: upload it"):
        schedule({ONE: MORNING}, "0.2.0")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("daily", 'is \'daily\': write {"PIPELINE": "CRON", ...}'),
        ("[]", "write {"),
        ('{"ingest": "0 0 6 * * *"}', "the cron of ingest, '0 0 6 \\* \\* \\*', has 6 fields: write five"),
    ],
)
def test_crons_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch, given: str, sentence: str) -> None:
    monkeypatch.setenv(recurring.VARIABLE, given)
    with pytest.raises(RecurringError, match=sentence):
        recurring.crons()


def test_the_job_uploads_pipelines_and_schedules_what_it_has_uploaded(
    api: KubeflowApi, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(recurring.VARIABLE, f'{{"{ONE}": "{MORNING}"}}')
    api.versions.clear()
    commands.pipelines("matchday-pipeline:abc", "autumn", 5)
    said = printed.text().splitlines()
    assert len(said) == len(PIPELINES) + 1
    assert said[-1] == f"recurring run {ONE} of autumn (0 {MORNING}) made"
    commands.unschedule("autumn", 5)
    assert printed.text().splitlines()[-1] == f"recurring run {ONE} of autumn (0 {MORNING}) deleted"
    assert api.recurring == {}


def test_a_kubeflow_that_is_gone_does_not_keep_a_release(printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    commands.unschedule("autumn", 0)
    assert printed.text().startswith("recurring runs of autumn stay: Kubeflow Pipelines at http://127.0.0.1:")


def test_only_a_pipeline_that_asks_sources_gets_their_secret_and_its_version_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(runs.SOURCES_VARIABLE, "autumn-sources")
    asking, training = (runs._place(name, "matchday-pipeline:abc", "autumn") for name in ("ingest", ONE))
    assert (asking.sources_secret, training.sources_secret) == ("autumn-sources", "")
    assert runs._describe(asking) == "image matchday-pipeline:abc, release autumn, token in autumn-sources"
    assert runs._describe(training) == "image matchday-pipeline:abc, release autumn"
    monkeypatch.delenv(runs.SOURCES_VARIABLE)
    assert runs._place("ingest", "matchday-pipeline:abc", "autumn").sources_secret == ""
