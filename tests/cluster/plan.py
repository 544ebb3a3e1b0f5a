"""The stages of the cluster test, in order, with the seconds that each takes."""

from tests.cluster import answers, faults, installation, knative, outages, policies, rollouts, season, stream
from tests.cluster.stage import ClusterStage

STAGES = (
    ClusterStage("images", installation.build_images, 150),
    ClusterStage("install", installation.install, 280, needs="images"),
    ClusterStage("champion", installation.find_champion, 10, needs="install"),
    ClusterStage("local forecast", answers.forecast_here, 5, needs="install"),
    ClusterStage("forecasts", answers.ask, 5, needs="local forecast"),
    ClusterStage("helm test", answers.helm_test, 5, needs="forecasts"),
    ClusterStage("upgrade, rollback", outages.upgrade, 80, needs="forecasts"),
    ClusterStage("another account", outages.change_account, 240, needs="forecasts", each_time=False),
    ClusterStage("Redis killed", outages.kill_redis, 20, needs="forecasts"),
    ClusterStage("predictor killed", outages.kill_predictor, 70, needs="forecasts", each_time=False),
    ClusterStage("wrong model URIs", faults.model_uris, 25, needs="forecasts"),
    ClusterStage("wrong password", faults.wrong_password, 5, needs="forecasts"),
    ClusterStage("bucket down", faults.bucket_down, 30, needs="forecasts"),
    ClusterStage("wrong jobs", faults.jobs, 25, needs="install"),
    ClusterStage("wrong values", faults.values, 5, needs="install"),
    ClusterStage("failed install", faults.installation, 20, needs="images", each_time=False),
    ClusterStage("streamed gameweek", stream.follow, 230, needs="forecasts"),
    ClusterStage("live season", season.take_in, 420, needs="forecasts", each_time=False),
    ClusterStage("season by CronJobs", season.run_cron_jobs, 330, needs="live season", each_time=False),
    ClusterStage("rollouts", rollouts.enable, 85, needs="forecasts"),
    ClusterStage("network policies", policies.refuse, 45, needs="rollouts"),
    ClusterStage("rollout, promoted", rollouts.promote, 215, needs="rollouts"),
    ClusterStage("nothing else moves it", rollouts.keep_version, 80, needs="rollout, promoted", each_time=False),
    ClusterStage("rollout, rolled back", rollouts.roll_back, 65, needs="rollouts"),
    ClusterStage("rollout, deleted", rollouts.delete, 60, needs="rollouts"),
    ClusterStage("rollout, operator killed", rollouts.kill_operator, 165, needs="rollout, promoted", each_time=False),
    ClusterStage("Knative mode", knative.change_mode, 65, needs="rollout, operator killed", each_time=False),
    ClusterStage("Knative rollouts", knative.roll_out, 190, needs="Knative mode", each_time=False),
)
