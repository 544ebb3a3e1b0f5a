"""Experiments: one question each, several candidates walked forward over the same matches, compared in pairs."""
