"""Where a rollout sees what both versions do: counters, answers to the same rows, scores, the registry.

`metrics` and `prometheus` read what servers count, `replay` asks both versions the same rows (`row`: of the prediction
`log`, or of a `panel`), `scores` compares forecasts with results, `versions` is the registry.
"""
