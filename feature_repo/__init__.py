"""Feast: entities, feature views, services, and the stores behind them."""
