"""Progressive delivery of models: a candidate version is judged beside the champion, then promoted or rolled back.

`spec` is what a person asks for, `state` the progress. `state_machine` decides the next state, `judge` compares the two
versions. `reconciler` carries a state out through a `splitter` and observes through `sources`. `repository` and `store`
define how rollouts are kept. `embedded/` implements these on one machine, `kubernetes/` in a cluster; `observations/`
implements the sources for both.
"""
