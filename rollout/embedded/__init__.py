"""Rollouts on this machine: processes that outlive who started them, Envoy before them, state in a folder."""
