"""Rollouts: a new version beside the champion, judged on what both do, and promoted or taken back.

`spec` is what is wanted, `state` what is the case, `machine` the way from one to the other, `judge` what it decides by.
`rollout` makes the world what the state says, through a splitter (`splitters`) and with what `observations` see.
"""
