"""What the cluster test plays, in order, and what each stage takes."""

from tests.cluster import answers, faults, installation, knative, outages, rollouts
from tests.cluster.stage import Stage

STAGES = (
    Stage("images", installation.build_images, 130),
    Stage("install", installation.install, 280, needs="images"),
    Stage("champion", installation.find_champion, 10, needs="install"),
    Stage("embedded forecast", answers.forecast_here, 5, needs="install"),
    Stage("forecasts", answers.ask, 5, needs="embedded forecast"),
    Stage("helm test", answers.helm_test, 5, needs="forecasts"),
    Stage("upgrade, rollback", outages.upgrade, 80, needs="forecasts"),
    Stage("Redis killed", outages.kill_redis, 20, needs="forecasts"),
    Stage("predictor killed", outages.kill_predictor, 70, needs="forecasts", each_time=False),
    Stage("wrong model URIs", faults.model_uris, 25, needs="forecasts"),
    Stage("wrong password", faults.wrong_password, 5, needs="forecasts"),
    Stage("bucket down", faults.bucket_down, 30, needs="forecasts"),
    Stage("wrong jobs", faults.jobs, 25, needs="install"),
    Stage("wrong values", faults.values, 5, needs="install"),
    Stage("failed install", faults.installation, 20, needs="images", each_time=False),
    Stage("rollouts", rollouts.enable, 85, needs="forecasts"),
    Stage("rollout, promoted", rollouts.promote, 215, needs="rollouts"),
    Stage("nothing else moves it", rollouts.keep_version, 80, needs="rollout, promoted", each_time=False),
    Stage("rollout, rolled back", rollouts.roll_back, 65, needs="rollouts"),
    Stage("rollout, operator killed", rollouts.kill_operator, 165, needs="rollout, promoted", each_time=False),
    Stage("Knative mode", knative.change_mode, 65, needs="rollout, operator killed", each_time=False),
    Stage("Knative rollouts", knative.roll_out, 190, needs="Knative mode", each_time=False),
)
