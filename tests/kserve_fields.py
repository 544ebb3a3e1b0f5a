"""Fields of a document that KServe's client does not know."""

from typing import Any

from kserve import models
from kubernetes import client


def unknown_fields(value: Any, kind: str, path: str = "") -> list[str]:
    """Where a document has fields that KServe's client, with Kubernetes' types in it, does not know."""
    if kind.startswith("list[") and isinstance(value, list):
        return [found for item in value for found in unknown_fields(item, kind[5:-1], path)]
    model = getattr(models, kind, None) or getattr(client, kind, None)
    if model is None or not isinstance(value, dict):
        return []
    fields = {json: kind for name, kind in model.openapi_types.items() for json in [model.attribute_map[name]]}
    found = [f"{path}.{key}" for key in value if key not in fields]
    for key in value.keys() & fields.keys():
        found += unknown_fields(value[key], fields[key], f"{path}.{key}")
    return found
