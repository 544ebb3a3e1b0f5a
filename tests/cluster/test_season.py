"""The stage of the season under way and the chart agree, and the stage says what does not hold; without a cluster."""

from typing import Any, cast

import pytest

from tests.charts.rendering import documents, render
from tests.cluster import season
from tests.cluster.context import StageContext
from tests.cluster.kube import Kube
from tests.cluster.shell import Failure

ADDRESS = "http://season-upstream.matchday-test-1.svc:8080"


class StubKube:
    """A cluster whose Jobs end as they are told to. asked: the commands."""

    def __init__(self, condition: str, log: str, crons: dict[str, str]) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._condition, self._log, self._crons = condition, log, crons

    def __call__(self, *arguments: str) -> str:
        self.asked.append(arguments)
        return self._log if arguments[0] == "logs" else ""

    def get(self, kind: str, *_: str) -> Any:
        if kind == "cronjobs":
            return {"items": [{"metadata": {"name": one}, "spec": {"schedule": at}} for one, at in self._crons.items()]}
        return {"status": {"conditions": [{"type": self._condition, "status": "True"}]}}

    def until(self, what: str, condition: Any, seconds: float) -> None:
        assert condition(), what


def context(kube: StubKube) -> StageContext:
    found = object.__new__(StageContext)
    found.kube, found.kfp = cast("Kube", kube), ""
    return found


def test_the_chart_renders_what_the_stage_waits_for() -> None:
    rendered = documents(render(sets=season.values(ADDRESS)))
    crons = {each["metadata"]["name"]: each["spec"]["schedule"] for each in rendered if each["kind"] == "CronJob"}
    assert crons == season.cron_jobs()
    [settings] = [each["data"] for each in rendered if each["kind"] == "ConfigMap"]
    assert settings["MATCHDAY_FPL_URL"] == f"{ADDRESS}/api"
    [policy] = [each for each in rendered if each["metadata"]["name"] == "matchday-sources"]
    assert policy["spec"]["egress"] == [{"ports": [{"port": 8080}]}]


def test_afterwards_nothing_runs_by_the_clock_and_no_source_is_asked() -> None:
    rendered = documents(render(sets=[*season.values(ADDRESS), *season.WITHOUT]))
    assert not [each for each in rendered if each["kind"] == "CronJob"]
    [settings] = [each["data"] for each in rendered if each["kind"] == "ConfigMap"]
    assert settings["MATCHDAY_SOURCES"] == ""


def test_a_run_is_made_of_its_cron_job_and_says_what_its_last_step_said() -> None:
    kube = StubKube("Complete", "  update-data  fpl\n  update-data      nothing is new\n  1 step ran\n", {})
    assert season._run(context(kube), "ingest").endswith(" s: update-data nothing is new; 1 step ran")
    create, *_ = kube.asked
    assert create[:2] == ("create", "job")
    assert create[-1] == "--from=cronjob/matchday-ingest"


def test_a_run_that_fails_fails_the_stage_with_its_last_lines() -> None:
    kube = StubKube("Failed", "began\nfpl: does not answer\n", {})
    with pytest.raises(Failure, match=r"ingest-\d+ failed: began \| fpl: does not answer"):
        season._run(context(kube), "ingest")


@pytest.mark.parametrize("crons", [{}, {**season.cron_jobs(), "matchday-other": "0 6 * * *"}])
def test_other_runs_by_the_clock_than_asked_for_are_told(crons: dict[str, str]) -> None:
    with pytest.raises(Failure, match="by the clock runs"):
        season._check_scheduled(context(StubKube("Complete", "", crons)), season.PIPELINES)


def test_the_cron_jobs_that_are_asked_for_are_fine() -> None:
    kube = StubKube("Complete", "", season.cron_jobs())
    said = season._check_scheduled(context(kube), season.PIPELINES)
    assert said == "by the clock: matchday-forecast, matchday-ingest, matchday-materialise"
