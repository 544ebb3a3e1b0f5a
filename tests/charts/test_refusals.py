"""Refused with a sentence: values that contradict, ask for what the cluster lacks, or are of an older chart."""

import re

import pytest

from tests.charts.rendering import Refused, render

KSERVE = ["serving.kserve.io/v1beta1"]
GATEWAY = [*KSERVE, "gateway.networking.k8s.io/v1"]


@pytest.mark.parametrize("major", [3, 4], ids="helm{}".format)
@pytest.mark.parametrize(
    ("sets", "platform", "sentence"),
    [
        (["redis.url=redis://host:6379/0"], KSERVE, "redis.url is given while redis.enabled starts one in the chart"),
        (
            ["database.enabled=false"],
            KSERVE,
            "database.enabled is false: give database.url and database.existingSecret",
        ),
        (["bucket.enabled=false", "bucket.url=https://s3"], KSERVE, "give bucket.url and bucket.existingSecret"),
        ([], [], "KServe is not in this cluster: install it"),
        (["models.match-outcome.mode=Knative"], KSERVE, "Knative Serving is not in this cluster"),
        (["models.match-outcome.autoscaling.class=keda"], KSERVE, "KEDA is not in this cluster"),
        (
            ["models.match-outcome.mode=Knative", "models.match-outcome.autoscaling.class=hpa"],
            [*KSERVE, "serving.knative.dev/v1"],
            "does nothing in Knative mode",
        ),
        (
            ["models.match-outcome.autoscaling.class=hpa", "models.match-outcome.replicas=5"],
            KSERVE,
            "maxReplicas=4 is less than models.match-outcome.replicas=5",
        ),
        (
            ["models.match-outcome.mode=Knative", "models.match-outcome.replicas=5"],
            [*KSERVE, "serving.knative.dev/v1"],
            "maxReplicas=4 is less than models.match-outcome.replicas=5",
        ),
        (
            ["models.match-outcome.autoscaling.class=keda"],
            [*KSERVE, "keda.sh/v1alpha1"],
            "give models.match-outcome.autoscaling.prometheus.address",
        ),
        (
            ["models.match-outcome.replicas=0"],
            KSERVE,
            "models.match-outcome.replicas is 0, which only Knative mode knows",
        ),
        (["rollouts.enabled=true"], KSERVE, "rollouts.enabled splits requests by the Gateway API, which is not in"),
        (
            ["rollouts.enabled=true", "models.match-outcome.enabled=false"],
            GATEWAY,
            "rollouts.enabled needs a model that is served",
        ),
        (
            ["rollouts.enabled=true", "models.match-outcome.refreshSeconds=30"],
            GATEWAY,
            "lets running pods take up a moved alias, past the judge: leave it at 0",
        ),
        (
            ["rollouts.enabled=true", "models.match-outcome.storageUri=mlflow://match-outcome/3"],
            GATEWAY,
            "models.match-outcome.storageUri is mlflow://match-outcome/3, and rollouts promote what serves",
        ),
        (
            ["rollouts.enabled=true", "models.match-outcome.host=a.b", "modelDefaults.mode=Knative"],
            [*GATEWAY, "serving.knative.dev/v1"],
            "in Knative mode the public host is Knative's own",
        ),
        (
            ["rollouts.enabled=true", "rollouts.gatewayMetrics=true"],
            GATEWAY,
            "rollouts.gatewayMetrics reads the gateway's counters from rollouts.prometheusURL, which is empty",
        ),
        (["rollouts.gatewayMetrics=true"], KSERVE, "or set rollouts.gatewayMetrics=false"),
        (["rollouts.services[0].name=churn"], KSERVE, "which rollouts.enabled=false leaves out"),
        (
            ["kafka.securityProtocol=SASL_SSL"],
            KSERVE,
            "kafka.securityProtocol is SASL_SSL, which needs a login: give kafka.existingSecret",
        ),
        (
            ["kafka.securityProtocol=SSL", "kafka.existingSecret=login"],
            KSERVE,
            "kafka.securityProtocol=SSL has no login: use SASL_SSL or SASL_PLAINTEXT",
        ),
        (["kafka.tls.caSecret=ca"], KSERVE, "kafka.securityProtocol=PLAINTEXT does not encrypt: use SSL or SASL_SSL"),
        (
            ["pipelines.kfp.endpoint=http://kfp:8888", "redis.existingSecret=mine"],
            KSERVE,
            "runs take all their credentials from one Secret, matchday-credentials",
        ),
    ],
)
def test_a_contradiction_is_refused_with_a_sentence(
    sets: list[str], platform: list[str], sentence: str, major: int
) -> None:
    with pytest.raises(Refused, match=re.escape(sentence)):
        render(major=major, sets=sets, platform=platform)


@pytest.mark.parametrize("major", [3, 4], ids="helm{}".format)
@pytest.mark.parametrize(
    ("old", "sentence"),
    [
        (["inferenceService.replicas=2"], "write models.match-outcome.replicas in place of inferenceService.replicas"),
        (["inferenceService.enabled=false"], "write models.match-outcome.enabled in place of inferenceService.enabled"),
        (
            ["inferenceService.mode=Knative", "inferenceService.autoscaling.maxReplicas=2"],
            "models.match-outcome.autoscaling in place of inferenceService.autoscaling,"
            " models.match-outcome.mode in place of inferenceService.mode",
        ),
        (
            ["inferenceService.storageResources.limits.memory=1Gi"],
            "write storage.resources in place of inferenceService.storageResources",
        ),
        (["rollouts.host=forecasts.example.org"], "write models.match-outcome.host in place of rollouts.host"),
    ],
)
def test_a_value_of_an_older_chart_is_refused_with_the_key_to_write_now(
    old: list[str], sentence: str, major: int
) -> None:
    with pytest.raises(Refused, match=re.escape(sentence)):
        render(major=major, sets=old)


@pytest.mark.parametrize("major", [3, 4], ids="helm{}".format)
def test_values_of_an_older_chart_are_dropped_by_null(major: int) -> None:
    dropped = render(major=major, sets=["inferenceService=null", "rollouts.host=null", "mlflow.replicas=2"])
    assert len(dropped) == len(render(major=major, sets=["mlflow.replicas=2"]))


def test_an_upgrade_that_reuses_all_values_of_an_older_chart_does_not_delete_its_model() -> None:
    """Helm then takes the older chart's defaults in place of this one's."""
    with pytest.raises(Refused, match="use --reset-then-reuse-values"):
        render(sets=["models=null", "modelDefaults=null", "storage=null"])


def test_an_entry_that_serves_another_model_is_refused() -> None:
    with pytest.raises(Refused, match=r"models.total-goals.storageUri is mlflow://match-outcome@champion, which is an"):
        render(sets=["models.total-goals.storageUri=mlflow://match-outcome@champion"])


def test_each_model_is_checked_by_its_name() -> None:
    with pytest.raises(Refused, match=r"models.total-goals.replicas is 0, which only Knative mode knows"):
        render(sets=["models.total-goals.replicas=0"])


def test_a_job_whose_name_would_be_too_long_is_refused() -> None:
    with pytest.raises(Refused, match="more than 63 characters: give a shorter fullnameOverride"):
        render(sets=[f"fullnameOverride={'f' * 40}", "models.total-goals.replicas=1"])


def test_with_rollouts_two_models_share_a_token_and_no_host() -> None:
    with pytest.raises(Refused, match=r"one token for the servers of all models: give it in modelDefaults\.token"):
        render(sets=["rollouts.enabled=true", "models.total-goals.token.existingSecret=goals"])
    hosts = ["models.match-outcome.host=a.b", "models.total-goals.host=a.b"]
    with pytest.raises(Refused, match=r"models\.match-outcome\.host and models\.total-goals\.host are both a\.b"):
        render(sets=["rollouts.enabled=true", *hosts])


@pytest.mark.parametrize("major", [3, 4], ids="helm{}".format)
def test_an_upgrade_that_is_rendered_without_a_cluster_is_not_refused_for_a_secret_it_cannot_see(major: int) -> None:
    """With one, `make cluster-test` sees it refused (wrong values)."""
    assert render(major=major, flags=["--is-upgrade"])
