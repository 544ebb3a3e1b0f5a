"""Feast's offline store of Matchday: point-in-time joins over Parquet files by DuckDB, or by Daft for larger tables."""

from feature_repo.offline.store import AsofOfflineStore, AsofOfflineStoreConfig

__all__ = ["AsofOfflineStore", "AsofOfflineStoreConfig"]
