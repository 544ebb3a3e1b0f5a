"""Live sources in the chart: settings, the token, who may go out, and the pipelines that run by the clock."""

import ipaddress
import json
import re
from typing import Any

import pytest
import yaml

from matchday.collected.configured import SourceSettings
from matchday.collected.precedence import ORDER
from pipelines.placement import SETTINGS
from tests.charts.manifests import Document, of_kind, variables
from tests.charts.rendering import CHART, Refused, documents, render

HOOK = "helm.sh/hook"
TOKEN = "MATCHDAY_FOOTBALL_DATA_TOKEN"
PLAIN = "plain-token-of-a-test"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
EACH = ("ingest", "materialise", "forecast")


def given(example: str) -> dict[str, str]:
    """The ConfigMap of an example."""
    [data] = [each["data"] for each in of_kind(example, "ConfigMap") if each["metadata"]["namespace"] == "matchday"]
    return dict(data)


def crons(example: str) -> dict[str, Document]:
    """The CronJobs of an example by their pipeline."""
    return {each["metadata"]["labels"]["matchday.io/pipeline"]: each for each in of_kind(example, "CronJob")}


def container(cron: Document) -> dict[str, Any]:
    [only] = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    return dict(only)


def upload(example: str) -> Document:
    """The container of the Job that uploads pipelines."""
    [job] = [each for each in of_kind(example, "Job") if each["metadata"]["name"] == "matchday-upload-pipelines"]
    [only] = job["spec"]["template"]["spec"]["containers"]
    return dict(only)


def test_the_chart_knows_the_sources_and_their_addresses_as_the_code_does() -> None:
    urls = VALUES["sources"]["urls"]
    assert set(urls) == set(ORDER)
    for name, url in urls.items():
        assert SourceSettings.model_fields[f"{name}_url"].default == url


def test_by_default_no_source_is_asked_and_nothing_runs_by_the_clock() -> None:
    assert given("default")["MATCHDAY_SOURCES"] == ""
    assert SourceSettings(sources="").names() == []
    assert of_kind("default", "CronJob") == []
    assert not [each for each in of_kind("default", "NetworkPolicy") if "ipBlock" in str(each)]


def test_steps_are_told_where_observations_are_and_which_sources_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in given("sources").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(TOKEN, "any")
    assert SourceSettings().names() == list(ORDER)
    assert given("sources")["MATCHDAY_COLLECTED"] == "s3://matchday/collected"
    assert given("sources-proxy")["MATCHDAY_COLLECTED"] == "s3://observations/matchday"
    assert given("sources-proxy")["MATCHDAY_FOOTBALL_DATA_UK_URL"] == "http://mirror.proxies"
    urls = {f"MATCHDAY_{name}_URL".upper() for name in ORDER}
    assert {"MATCHDAY_COLLECTED", "MATCHDAY_SOURCES", *urls} <= set(SETTINGS)


def test_observations_lie_where_no_uninstall_deletes_and_outside_the_lake() -> None:
    said = given("sources")
    assert not said["MATCHDAY_COLLECTED"].startswith(said["MATCHDAY_LAKE"])
    [bucket] = [each for each in of_kind("sources", "StatefulSet") if each["metadata"]["name"] == "matchday-bucket"]
    assert "persistentVolumeClaimRetentionPolicy" not in bucket["spec"], "the default keeps the volume"
    assert bucket["spec"]["volumeClaimTemplates"]


def test_a_token_is_in_a_secret_alone_and_only_the_pods_that_ask_sources_have_it() -> None:
    rendered = documents(render("sources", sets=[f"sources.token={PLAIN}"]))
    assert {each["kind"] for each in rendered if PLAIN in str(each)} == {"Secret"}
    [secret] = [each for each in rendered if PLAIN in str(each)]
    assert secret["metadata"]["name"] == "matchday-sources"
    holders = [each["metadata"]["name"] for each in rendered if TOKEN in str(each) and each["kind"] != "Secret"]
    assert holders == ["matchday-ingest"]


def test_runs_of_kubeflow_get_the_token_from_a_secret_where_they_are() -> None:
    values = [f"sources.token={PLAIN}", "sources.existingSecret="]
    rendered = documents(render("sources-kfp", sets=values))
    made = [each["metadata"] for each in rendered if each["kind"] == "Secret" and PLAIN in str(each)]
    assert [(one["namespace"], one["name"]) for one in made] == [
        ("matchday", "matchday-sources"),
        ("runs", "matchday.matchday-sources"),
    ]
    [job] = [each for each in rendered if each["metadata"]["name"] == "matchday-upload-pipelines"]
    [told] = job["spec"]["template"]["spec"]["containers"]
    assert variables(told)["MATCHDAY_KFP_SOURCES_SECRET"] == "matchday.matchday-sources"
    assert variables(upload("sources-kfp"))["MATCHDAY_KFP_SOURCES_SECRET"] == "matchday-football-data"
    assert "MATCHDAY_KFP_SOURCES_SECRET" not in variables(upload("kfp"))


def test_a_token_goes_with_its_source() -> None:
    [secret] = [each for each in of_kind("sources", "Secret") if each["metadata"]["name"] == "matchday-sources"]
    assert "annotations" not in secret["metadata"], "whoever gave it can give it again"


def test_cron_jobs_run_one_pipeline_each_one_at_a_time() -> None:
    found = crons("sources")
    assert tuple(sorted(found)) == tuple(sorted(EACH))
    for name, cron in found.items():
        assert container(cron)["args"] == ["pipeline", "run", name]
        spec = cron["spec"]
        assert (spec["schedule"], spec["timeZone"]) == (VALUES["pipelines"]["recurring"][name]["cron"], "Etc/UTC")
        assert spec["concurrencyPolicy"] == "Forbid"
        assert spec["startingDeadlineSeconds"] == 1800
        assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (1, 3)
        job = spec["jobTemplate"]["spec"]
        assert (job["activeDeadlineSeconds"], job["backoffLimit"]) == (1800, 1)
        assert len(cron["metadata"]["name"]) <= 52
    assert list(crons("sources-proxy")) == ["ingest"]


def test_the_longest_name_leaves_a_cron_job_room_for_its_jobs() -> None:
    rendered = documents(render("sources", sets=[f"fullnameOverride={'f' * 40}"]))
    names = [each["metadata"]["name"] for each in rendered if each["kind"] == "CronJob"]
    assert len(names) == 3
    assert max(map(len, names)) <= 52


def test_with_kubeflow_its_recurring_runs_take_the_place_of_cron_jobs() -> None:
    assert of_kind("sources-kfp", "CronJob") == []
    assert upload("sources-kfp")["args"][:2] == ["cluster", "pipelines"]
    told = json.loads(variables(upload("sources-kfp"))["MATCHDAY_RECURRING"])
    assert told == {"ingest": "0 6 * * MON-FRI", "materialise": VALUES["pipelines"]["recurring"]["materialise"]["cron"]}
    assert json.loads(variables(upload("kfp"))["MATCHDAY_RECURRING"]) == {}, "and ends those of an earlier release"


def test_an_uninstall_ends_kubeflow_s_recurring_runs() -> None:
    [job] = [each for each in of_kind("sources-kfp", "Job") if each["metadata"]["annotations"][HOOK] == "pre-delete"]
    [only] = job["spec"]["template"]["spec"]["containers"]
    assert only["args"] == ["cluster", "unschedule", "--wait-seconds", "30"]
    assert job["metadata"]["annotations"]["helm.sh/hook-delete-policy"] == "before-hook-creation", "its log stays"
    for example in ("kfp", "sources"):
        assert "pre-delete" not in str(of_kind(example, "Job")), example
    assert "pre-delete" not in render("sources-kfp", sets=["pipelines.recurring.endAtUninstall=false"])


def out(example: str, *sets: str) -> list[Document]:
    """The rules by which pods may go to what is not the chart's, name servers aside, where sources are asked."""
    rendered = documents(render(example, sets=sets))
    [policy] = [
        each for each in rendered if each["kind"] == "NetworkPolicy" and each["metadata"]["name"] == "matchday-sources"
    ]
    chosen = policy["spec"]["podSelector"]["matchLabels"]
    assert chosen["matchday.io/pipeline"] == "ingest"
    return list(policy["spec"]["egress"])


def test_the_pod_that_asks_sources_reaches_their_ports_outside_private_networks_and_no_other_pod_does() -> None:
    [rule] = out("sources")
    assert [port["port"] for port in rule["ports"]] == [443]
    blocks = [peer["ipBlock"] for peer in rule["to"]]

    def reached(address: str) -> bool:
        where = ipaddress.ip_address(address)
        return any(
            where in ipaddress.ip_network(block["cidr"])
            and not any(where in ipaddress.ip_network(each) for each in block["except"])
            for block in blocks
        )

    assert all(map(reached, ["146.75.118.133", "93.184.216.34", "2a04:4e42::645"]))
    private = ["10.96.0.1", "172.18.0.2", "192.168.1.1", "169.254.169.254", "100.64.0.1", "fd00::1", "fe80::1"]
    assert not any(map(reached, private))
    others = [each for each in of_kind("sources", "NetworkPolicy") if "ipBlock" in str(each)]
    assert [each["metadata"]["name"] for each in others] == ["matchday-sources"]


def test_ports_are_those_of_the_sources_that_are_asked() -> None:
    other = "sources.urls.fpl=https://mirror.example.org:8443/api"
    [rule] = out("sources", other)
    assert sorted(port["port"] for port in rule["ports"]) == [443, 8443]
    [rule] = out("sources-proxy", other, "networkPolicy.podPorts.sources=null")
    assert [port["port"] for port in rule["ports"]] == [80]


def test_a_port_of_pods_is_open_to_wherever_they_are() -> None:
    assert out("sources-proxy") == [{"ports": [{"port": 3128}]}]


@pytest.mark.parametrize("major", [3, 4], ids="helm{}".format)
@pytest.mark.parametrize(
    ("sets", "sentence"),
    [
        (["sources.names={fpl,fotmob}"], "sources.names has fotmob, which is no source: there are football_data_org, "),
        (["sources.names={football_data_org}"], "football_data_org, which needs a token: give sources.existingSecret"),
        (["sources.token=abc"], "and no source that is asked takes a token: add football_data_org to sources.names"),
        (["sources.names={fpl}", "sources.existingSecret=mine"], "and no source that is asked takes a token"),
        (
            ["sources.names={football_data_org}", "sources.token=abc", "sources.existingSecret=mine"],
            "sources.token and sources.existingSecret are both given: drop one of them",
        ),
        (["pipelines.recurring.enabled=true"], "and sources.names is empty: name a source, such as fpl"),
        (
            ["pipelines.recurring.ingest.cron=0 0 6 * * *"],
            'pipelines.recurring.ingest.cron is "0 0 6 * * *", which has 6 fields: write five, minute, hour, day',
        ),
        (["pipelines.recurring.forecast.cron=0 6 * *"], "pipelines.recurring.forecast.cron is"),
        (["pipelines.recurring.materialise.cron="], 'materialise.cron is "", which has 0 fields: write five'),
        (["pipelines.recurring.materialise.cron=@daily"], "which has 1 fields: write five"),
        (["pipelines.recurring.ingest.cron=0 6 * * $"], 'pipelines.recurring.ingest.cron has the field "$"'),
        (["sources=null"], "sources or pipelines.recurring is missing"),
    ],
)
def test_a_contradiction_is_refused_with_a_sentence(sets: list[str], sentence: str, major: int) -> None:
    with pytest.raises(Refused, match=re.escape(sentence)):
        render(major=major, sets=sets)


@pytest.mark.parametrize("cron", ["*/5 6-23 1\\,15 * MON-FRI", "  0 6 * * *  "])
def test_a_cron_of_five_fields_is_taken(cron: str) -> None:
    sets = ["sources.names={fpl}", "pipelines.recurring.enabled=true", f"pipelines.recurring.ingest.cron={cron}"]
    made = [each for each in documents(render(sets=sets)) if each["kind"] == "CronJob"]
    assert cron.replace("\\", "").strip() in {each["spec"]["schedule"].strip() for each in made}
