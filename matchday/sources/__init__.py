"""Where football comes from. Every source returns the same tables."""
