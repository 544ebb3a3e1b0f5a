"""Sources of a rollout: request counters, replayed rows, paired scores and the model registry.

`server_meter` and `prometheus_meter` read counters, `replay` asks both versions for the same rows (from the prediction
`log` and from `pairings`), `scores` compares forecasts with results, `versions` is the registry, `factory` opens all.
"""
