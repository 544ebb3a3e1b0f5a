"""Rollouts on one machine: server processes behind one Envoy, which outlive their starter; state in a folder."""
