"""Canaries with a judge: a candidate version takes traffic step by step, and evidence decides on each step."""
