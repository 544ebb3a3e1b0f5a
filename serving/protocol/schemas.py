"""JSON schemas of the bodies of both protocols, for the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from serving.protocol.tensor import DATATYPES

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
PARAMETERS = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}


def ref(schema: str) -> dict[str, str]:
    """A reference to one of `SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{schema}"}


def _object(required: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def _list(items: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


SHAPE = _list({"type": "integer", "minimum": 1, "maximum": 2**31 - 1}, minItems=1, maxItems=8)
DESCRIBED = _object({"name": TEXT, "datatype": {"enum": DATATYPES}, "shape": _list({"type": "integer"})})
BY_CLASS = {"anyOf": [{"type": "object", "additionalProperties": NUMBER}, NUMBER]}
ANSWERED = {"model_name": TEXT, "model_version": TEXT, "id": TEXT, "parameters": PARAMETERS}
ITEM = {"type": ["string", "number", "boolean", "array"]}

SCHEMAS: dict[str, Any] = {
    "Error": _object({"error": TEXT}, rows=_list({"type": "integer", "minimum": 0}, minItems=1)),
    "Server": _object({"name": TEXT, "version": TEXT, "extensions": _list(TEXT)}),
    "Live": _object({"live": {"const": True}}),
    "Ready": _object({"ready": {"const": True}}),
    "Models": _object({"models": _list(TEXT)}),
    "ModelReady": _object({"name": TEXT, "ready": {"const": True}}),
    "ModelMetadata": _object(
        {
            "name": TEXT,
            "versions": _list(TEXT),
            "platform": TEXT,
            "inputs": _list(DESCRIBED),
            "outputs": _list(DESCRIBED),
        }
    ),
    "Tensor": _object(
        {
            "name": {"type": "string", "minLength": 1},
            "shape": SHAPE,
            "datatype": {"enum": DATATYPES},
            "data": _list(ITEM),
        },
        parameters={"type": "object"},
    ),
    "RequestedOutput": _object({"name": TEXT}, parameters=_object({}, binary_data={"type": "boolean"})),
    "InferenceRequest": _object(
        {"inputs": _list(ref("Tensor"), minItems=1)},
        id={"type": "string", "maxLength": 256},
        outputs=_list(ref("RequestedOutput")),
        parameters=_object({}, binary_data_output={"type": "boolean"}),
    ),
    "InferenceResponse": _object({**ANSWERED, "outputs": _list(ref("Tensor"))}),
    "Instances": _object(
        {
            "instances": {
                "anyOf": [_list({"type": "object", "minProperties": 1}, minItems=1), _list(_list(NUMBER), minItems=1)]
            }
        }
    ),
    "Predictions": _object(
        {**ANSWERED, "columns": _list(TEXT), "predictions": _list({"anyOf": [_list(NUMBER), NUMBER]})}
    ),
    "Contribution": _object(
        {"feature": TEXT, "label": TEXT, "value": {"type": ["number", "null"]}, "contribution": BY_CLASS}
    ),
    "Explanation": _object(
        {
            "prediction": BY_CLASS,
            "explained": {"enum": ["log-probability", "prediction"]},
            "base": BY_CLASS,
            "value": BY_CLASS,
            "contributions": _list(ref("Contribution")),
        }
    ),
    "Explanations": _object({**ANSWERED, "explanations": _list(ref("Explanation"))}),
}
