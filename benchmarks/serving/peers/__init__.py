"""The peers, as a good engineer writes them in an afternoon. Each file runs in its peer's own environment.

They are told where things are by `BENCH_BUNDLE`, `BENCH_FEAST`, `BENCH_MEMBERS` and `BENCH_PORT`.
"""
