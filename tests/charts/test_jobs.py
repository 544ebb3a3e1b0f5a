"""The Jobs around install and upgrade, and the environment of pipeline runs."""

from pipelines.placement import SETTINGS
from tests.charts.manifests import everywhere, objects, of_kind, variables
from tests.charts.rendering import kind_and_name

STORES = ("redis", "database", "bucket")


@everywhere
def test_hooks_run_in_order_and_are_deleted_before_they_run_again(name: str) -> None:
    weights = {}
    for each in of_kind(name, "Job"):
        notes = each["metadata"]["annotations"]
        if notes["helm.sh/hook"] == "pre-delete":
            continue
        assert notes["helm.sh/hook-delete-policy"] == "before-hook-creation"
        weights[each["metadata"]["name"].partition("-")[2]] = int(notes["helm.sh/hook-weight"])
    order = ["make-bucket", "migrate-database", "upload-pipelines", "apply-features", "train-champion"]
    order += ["train-champion-total-goals"]
    assert [weights[each] for each in order if each in weights] == sorted(weights.values())
    assert {"make-bucket", "migrate-database", "apply-features"} <= weights.keys() <= set(order)


@everywhere
def test_a_job_that_names_what_is_wrong_is_not_tried_again_but_training_is(name: str) -> None:
    """The command line ends with 2 for what it names; a step of a run may fail by chance."""
    for each in of_kind(name, "Job"):
        rules = each["spec"].get("podFailurePolicy", {}).get("rules", [])
        codes = [code for rule in rules if rule["action"] == "FailJob" for code in rule["onExitCodes"]["values"]]
        assert codes == ([] if "-train-champion" in each["metadata"]["name"] else [2])
        assert each["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_jobs_submit_runs_to_where_the_release_has_them() -> None:
    for job in ("matchday-upload-pipelines", "matchday-train-champion"):
        [made] = [each for each in of_kind("kfp", "Job") if each["metadata"]["name"] == job]
        [container] = made["spec"]["template"]["spec"]["containers"]
        given = variables(container)
        assert given["MATCHDAY_KFP_NAMESPACE"] == "runs"
        assert given["MATCHDAY_KFP_ENVIRONMENT"] == "matchday.matchday"


def test_runs_in_another_namespace_find_the_same_environment_and_credentials_there() -> None:
    for kind, data in (("ConfigMap", "data"), ("Secret", "stringData")):
        ending = {"ConfigMap": "environment", "Secret": "credentials"}[kind]
        copies = {
            (each["metadata"]["namespace"], each["metadata"]["name"]): each[data]
            for each in objects("kfp")
            if each["kind"] == kind and each["metadata"]["name"].endswith(ending)
        }
        own, shared = ("matchday", f"matchday-{ending}"), ("runs", f"matchday.matchday-{ending}")
        assert copies.keys() == {own, shared}
        assert copies[own] == copies[shared]


@everywhere
def test_runs_find_every_setting_that_they_take_and_who_promotes(name: str) -> None:
    maps = of_kind(name, "ConfigMap")
    found = [each["data"] for each in maps if each["metadata"]["name"].endswith("-environment")]
    promotion = "judge" if of_kind(name, "Role") else "run"
    assert found
    for data in found:
        assert set(SETTINGS) <= data.keys()
        assert data["MATCHDAY_PROMOTION"] == promotion


def test_an_external_store_leaves_nothing_of_it_in_the_chart() -> None:
    for each in objects("external"):
        assert each["metadata"]["labels"].get("app.kubernetes.io/component") not in STORES, kind_and_name(each)
    assert not [each for each in objects("external") if each["kind"] in ("Secret", "StatefulSet")]
