"""Hostile HTTP requests, and the status and words that each must be answered with."""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.serving.conftest import match

INFER = "/v2/models/match-outcome/infer"
V1 = "/v1/models/match-outcome"
JSON = {"content-type": "application/json"}
BINARY = {"content-type": "application/octet-stream"}


@dataclass(frozen=True)
class Hostile:
    """A request, and what must be answered."""

    name: str
    status: int
    says: str
    body: Any = b""
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON))
    method: str = "POST"
    path: str = INFER

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def raw(data: object, shape: object = (1, 6), datatype: object = "FP32", **more: Any) -> dict[str, Any]:
    return {"inputs": [{"name": "features", "shape": shape, "datatype": datatype, "data": data, **more}]}


def with_input(**changes: Any) -> dict[str, Any]:
    """A good match whose first input is changed; None takes a key away."""
    message = match()
    first = message["inputs"][0] | changes
    message["inputs"][0] = {key: value for key, value in first.items() if value is not None}
    return message


def binary(sizes: list[object], tail: bytes, datatype: str = "BYTES", length: int | str | None = None) -> Hostile:
    """A request whose tensors follow the JSON part, with sizes that may lie."""
    names = ("home", "away") if datatype == "BYTES" else ("features",)
    shape = [1] if datatype == "BYTES" else [1, 6]
    inputs = [
        {"name": name, "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": size}}
        for name, size in zip(names, sizes, strict=False)
    ]
    head = json.dumps({"inputs": inputs}).encode()
    headers = BINARY | {"inference-header-content-length": str(len(head) if length is None else length)}
    return Hostile("", 400, "", head + tail, headers)


def named(hostile: Hostile, name: str, says: str) -> Hostile:
    return Hostile(name, 400, says, hostile.body, hostile.headers)


def v1(name: str, status: int, says: str, body: Any = b"", **more: Any) -> Hostile:
    """A request to V1's predict."""
    return Hostile(name, status, says, body, **{"path": f"{V1}:predict", **more})


def why(name: str, status: int, says: str, body: Any = b"", **more: Any) -> Hostile:
    """A request for an explanation."""
    return Hostile(name, status, says, body, path="/v2/models/match-outcome/explain", **more)


def instances(*given: object) -> dict[str, Any]:
    return {"instances": list(given)}


ARS = b"\x03\x00\x00\x00ARS"
LIV = b"\x03\x00\x00\x00LIV"
SIX = [1.0] * 6
TEAMS = {"home": "ARS", "away": "LIV"}

TABLE = [
    # the body as a whole
    Hostile("empty body", 400, "the body is empty", b""),
    Hostile("truncated JSON", 400, "not valid JSON: unexpected end", b'{"inputs": [{"name": "ho'),
    Hostile("deeply nested JSON", 400, "depth limit", b"[" * 20_000 + b"]" * 20_000),
    Hostile("nested data", 400, "", raw([[[[[[[[[1.0]]]]]]]]])),
    Hostile("invalid UTF-8", 400, "not valid JSON", b'{"inputs": "\xff\xfe"}'),
    Hostile("lone surrogate", 400, "not valid JSON", b'{"id": "\\ud800", "inputs": []}'),
    Hostile("byte order mark", 400, "not valid JSON", b"\xef\xbb\xbf{}"),
    Hostile("a list, not an object", 400, "must be a JSON object", []),
    Hostile("a number, not an object", 400, "must be a JSON object", 7),
    Hostile("no inputs", 400, "has no inputs", {"id": "x"}),
    Hostile("empty inputs", 400, "has no inputs", {"inputs": []}),
    Hostile("inputs as object", 400, "inputs must be a list", {"inputs": {"home": "ARS"}}),
    Hostile("input as text", 400, "an input must be an object", {"inputs": ["ARS"]}),
    Hostile("id is a number", 400, "id must be a text", match(id=7)),
    Hostile("id without end", 400, "at most 256", match(id="x" * 1000)),
    Hostile("parameters as list", 400, "parameters of the request must be an object", match(parameters=[])),
    Hostile("V1 request", 400, "has no inputs", {"instances": [["ARS", "LIV"]]}),
    # names
    Hostile("input without name", 400, "an input has no name", with_input(name=None)),
    Hostile("input name is a number", 400, "an input has no name", with_input(name=3)),
    Hostile("unknown input", 400, "has no input 'stadium'", with_input(name="stadium")),
    Hostile("only one team", 400, "input away is missing", match(away=None)),
    Hostile("duplicate input", 400, "'home' is given twice", {"inputs": match()["inputs"] + match()["inputs"][:1]}),
    Hostile("both modes", 400, "either features or home, away", {"inputs": match()["inputs"] + raw(SIX)["inputs"]}),
    Hostile("unknown output", 400, "no output 'odds': it gives probabilities", match(outputs=[{"name": "odds"}])),
    Hostile("output as text", 400, "must be an object", match(outputs=["probabilities"])),
    Hostile("outputs as text", 400, "outputs must be a list", match(outputs="probabilities")),
    Hostile("output twice", 400, "asked for twice", match(outputs=[{"name": "probabilities"}] * 2)),
    Hostile(
        "binary_data as text",
        400,
        "binary_data must be true or false",
        match(outputs=[{"name": "probabilities", "parameters": {"binary_data": "yes"}}]),
    ),
    # datatypes and shapes
    Hostile("no datatype", 400, "datatype None: use one of", with_input(datatype=None)),
    Hostile("unknown datatype", 400, "datatype 'float32': use one of BOOL", with_input(datatype="float32")),
    Hostile("datatype is a list", 400, "use one of BOOL", with_input(datatype=["BYTES"])),
    Hostile("numbers for teams", 400, "data must be texts, found a number", with_input(data=[1])),
    Hostile(
        "teams as numbers",
        400,
        "input home must be BYTES, found INT64",
        with_input(datatype="INT64", data=[1]),
    ),
    Hostile("text for numbers", 400, "data must be numbers, found text", raw(["1"] * 6)),
    Hostile("truth for numbers", 400, "data must be numbers, found true/false", raw([True] * 6)),
    Hostile("null for numbers", 400, "data must be numbers, found null", raw([None] * 6)),
    Hostile("objects for numbers", 400, "data must be numbers, found an object", raw([{}] * 6)),
    Hostile("features as truth", 400, "features must be numbers", raw([True] * 6, datatype="BOOL")),
    Hostile("features as text", 400, "features must be numbers", raw(["1"] * 6, datatype="BYTES")),
    Hostile("FP64 beyond FP32", 400, "beyond the range of FP32", raw([1e39] * 6, datatype="FP64")),
    Hostile("too few features", 400, "features must have shape [n, 6], found [1, 5]", raw([1.0] * 5, [1, 5])),
    Hostile("features without rows", 400, "features must have shape [n, 6], found [6]", raw(SIX, [6])),
    Hostile("shape and data differ", 400, "has 6 items, its shape [2, 6] asks for 12", raw(SIX, [2, 6])),
    Hostile("ragged data", 400, "nested otherwise", raw([SIX, SIX[:5]], [2, 6])),
    Hostile("flat and nested data", 400, "nested otherwise", raw([SIX, 1.0], [2, 6])),
    Hostile("no shape", 400, "needs a shape such as [1]", with_input(shape=None)),
    Hostile("empty shape", 400, "needs a shape such as [1]", with_input(shape=[])),
    Hostile("shape of zero", 400, "sizes must be whole numbers above 0", with_input(shape=[0], data=[])),
    Hostile("negative shape", 400, "sizes must be whole numbers above 0", with_input(shape=[-1])),
    Hostile("fractional shape", 400, "sizes must be whole numbers above 0", with_input(shape=[1.5])),
    Hostile("shape beyond all bounds", 400, "sizes must be whole numbers above 0", with_input(shape=[1e300])),
    Hostile("true as shape", 400, "sizes must be whole numbers above 0", with_input(shape=[True])),
    Hostile("enormous shape", 413, "at most 64 are answered at once", raw(SIX, [2**30, 6])),
    Hostile("enormous width", 400, "must have shape [n, 6]", raw(SIX, [1, 2**30, 2**30])),
    Hostile("too many dimensions", 400, "needs a shape", raw(SIX, [1] * 100)),
    Hostile("no data", 400, "needs data, a list", with_input(data=None)),
    Hostile("data is a text", 400, "needs data, a list", with_input(data="ARS")),
    Hostile("uneven teams", 400, "home has 2, away has 1", with_input(shape=[2], data=["ARS", "BOU"])),
    Hostile(
        "teams in a table",
        400,
        "must have shape [n], found [1, 2]",
        with_input(shape=[1, 2], data=["ARS", "BOU"]),
    ),
    # numbers
    Hostile("NaN in JSON", 400, "not valid JSON", json.dumps(raw([float("nan")] * 6)).encode()),
    Hostile("infinity in JSON", 400, "not valid JSON", json.dumps(raw([float("inf")] * 6)).encode()),
    Hostile(
        "number beyond doubles",
        400,
        "infinity",
        json.dumps(raw([1] * 6)).replace("1, 1]", "1, 1e999]").encode(),
    ),
    Hostile("number beyond FP32", 400, "not finite", raw([1e39] * 6)),
    Hostile("number of 400 digits", 400, "", json.dumps(raw([10**400] * 6)).encode()),
    # teams and times
    Hostile("unknown team", 400, "unknown team 'ZZZ': known are ARS, BOU, LIV, MCI, WHU", match("ZZZ")),
    Hostile("team is empty", 400, "unknown team ''", match("")),
    Hostile("team without end", 400, "unknown team", match("A" * 10_000)),
    Hostile("team with newlines and NUL", 400, r"unknown team 'A\r\n\x00'", match("A\r\n\x00")),
    Hostile("SQL as team", 400, "unknown team", match("ARS' OR 1=1; DROP TABLE matchday_team_form; --")),
    Hostile("team against itself", 400, "home and away must differ within a row, found 'ARS'", match("ARS", "ARS")),
    Hostile("kickoff is no time", 400, "not a time of ISO 8601", match(kickoff="saturday at three")),
    Hostile("kickoff without offset", 400, "such as 2026-05-24T15:00:00Z", match(kickoff="2026-05-24T15:00:00")),
    Hostile("kickoff is a date", 400, "not a time of ISO 8601", match(kickoff="2026-05-24")),
    Hostile(
        "kickoff at the edge of time",
        400,
        "not a time of ISO 8601",
        match(kickoff="0001-01-01T00:00:00+14:00"),
    ),
    Hostile("kickoff beyond time", 400, "not a time", match(kickoff="9999-12-31T23:59:59-14:00")),
    Hostile("kickoff in the past", 409, "later knowledge", match(kickoff="2020-01-01T00:00:00Z")),
    # the batch and the body as sizes
    Hostile(
        "batch too large",
        413,
        "at most 64 are answered at once",
        {"inputs": [{"name": n, "shape": [65], "datatype": "BYTES", "data": ["ARS"] * 65} for n in ("home", "away")]},
    ),
    Hostile("body too large", 413, "larger than 65536 bytes", b" " * 70_000),
    Hostile("body far too large", 413, "larger than 65536 bytes", b" " * 5_000_000),
    # HTTP
    Hostile(
        "form, as curl sends by default",
        415,
        "send application/json",
        match(),
        {"content-type": "application/x-www-form-urlencoded"},
    ),
    Hostile("plain text", 415, "send application/json", match(), {"content-type": "text/plain"}),
    Hostile("nameless content type", 415, "send application/json", match(), {"content-type": ""}),
    Hostile("octets without JSON length", 415, "Inference-Header-Content-Length", match(), BINARY),
    Hostile("compressed", 415, "by gzip, by deflate", b"\x1f\x8b\x08", JSON | {"content-encoding": "br"}),
    Hostile("GET for infer", 405, "use POST", method="GET"),
    Hostile("POST for metadata", 405, "use GET", b"{}", path="/v2/models/match-outcome"),
    Hostile("DELETE for health", 405, "use GET", method="DELETE", path="/v2/health/live"),
    Hostile("a method of one's own", 405, "use POST", method="BREW"),
    Hostile(
        "unknown model",
        404,
        "no model 'points' here: there is match-outcome",
        match(),
        path="/v2/models/points/infer",
    ),
    Hostile(
        "unknown version",
        404,
        "in version 12, not '11'",
        match(),
        path="/v2/models/match-outcome/versions/11/infer",
    ),
    Hostile("unknown action", 404, "nothing at", match(), path="/v2/models/match-outcome/unload"),
    Hostile("action beyond infer", 404, "nothing at", match(), path=f"{INFER}/infer"),
    Hostile("path out of the tree", 404, "nothing at", match(), path="/v2/models/..%2f..%2fetc%2fpasswd"),
    Hostile("path of bad UTF-8", 404, "", match(), path="/v2/models/%ff%fe/infer"),
    # binary tensors
    named(binary([7, 8], ARS + LIV), "binary size too large", "binary_data_size is 8, 7 bytes follow"),
    named(binary([7, 6], ARS + LIV), "binary size too small", "runs past the end"),
    named(binary([7, 7], ARS + LIV + b"x"), "bytes left over", "1 bytes are left after the last"),
    named(binary([-7, 14], ARS + LIV), "negative binary size", "binary_data_size is -7"),
    named(binary(["7", 7], ARS + LIV), "binary size as text", "binary_data_size is '7'"),
    named(binary([True, 7], ARS + LIV), "binary size as truth", "binary_data_size is True"),
    named(binary([7, 7], ARS + b"\xff\xff\xff\xffLIV"), "text length that lies", "runs past the end"),
    named(binary([7, 7], ARS + b"\x03\x00\x00\x00\xff\xfe\xfd"), "binary text not UTF-8", "not valid UTF-8"),
    named(binary([14, 0], ARS + LIV), "two texts for one", "has 2 items in its bytes"),
    named(binary([24], b"\x00" * 20 + b"\x00\x00\xc0\x7f", "FP32"), "binary NaN", "not finite"),
    named(binary([20], b"\x00" * 20, "FP32"), "binary of another shape", "takes 24 bytes"),
    named(binary([7, 7], ARS + LIV, length=99_999), "JSON length beyond the body", "is 99999, the body has"),
    named(binary([7, 7], ARS + LIV, length=0), "JSON length of zero", "the body is empty"),
    named(binary([7, 7], ARS + LIV, length=-1), "negative JSON length", "must be a number of bytes"),
    named(binary([7, 7], ARS + LIV, length="x"), "JSON length as text", "must be a number of bytes"),
    Hostile(
        "binary size in plain JSON",
        400,
        "0 bytes follow",
        with_input(data=None, parameters={"binary_data_size": 7}),
    ),
    Hostile("data and binary size", 400, "has both", with_input(parameters={"binary_data_size": 7})),
    # V1
    v1("V1: empty body", 400, 'empty: send JSON such as {"instances"', b""),
    v1("V1: truncated JSON", 400, "not valid JSON", b'{"instances": [{"home"'),
    v1("V1: deeply nested JSON", 400, "depth limit", b'{"instances": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
    v1("V1: invalid UTF-8", 400, "not valid JSON", b'{"instances": [{"home": "\xff"}]}'),
    v1("V1: a list, not an object", 400, "must be a JSON object", [[1.0] * 6]),
    v1("V1: a V2 request", 400, "has no instances", match()),
    v1("V1: no instances", 400, "has no instances", {"instances": []}),
    v1("V1: instances as object", 400, "has no instances, a list", {"instances": {"home": "ARS"}}),
    v1("V1: instances as text", 400, "has no instances, a list", {"instances": "ARS-LIV"}),
    v1("V1: instance as text", 400, "must be all objects", {"instances": ["ARS"]}),
    v1("V1: objects and lists", 400, "must be all objects", {"instances": [{"home": "ARS", "away": "LIV"}, SIX]}),
    v1("V1: null among lists", 400, "must be all objects", {"instances": [SIX, None]}),
    v1("V1: empty object", 400, "an instance is empty", {"instances": [{}]}),
    v1("V1: empty list", 400, "an instance is empty", {"instances": [[]]}),
    v1(
        "V1: uneven objects",
        400,
        "instance 2 has 'home', the first has 'home', 'away'",
        instances(TEAMS, {"home": "ARS"}),
    ),
    v1("V1: only one team", 400, "input away is missing", instances({"home": "ARS"})),
    v1("V1: unknown key", 400, "has no input 'stadium'", instances(TEAMS | {"stadium": "Emirates"})),
    v1("V1: null for a team", 400, "data must be texts, found null", instances(TEAMS | {"home": None})),
    v1("V1: a list for a team", 400, "data must be texts, found a list", instances(TEAMS | {"home": ["ARS"]})),
    v1("V1: a number for a team", 400, "input home must be BYTES, found INT64", instances(TEAMS | {"home": 1})),
    v1("V1: an endless number for a team", 400, "", instances(TEAMS | {"home": 2**70})),
    v1("V1: texts and numbers", 400, "data must be texts, found a number", instances(TEAMS, TEAMS | {"home": 7})),
    v1("V1: unknown team", 400, "unknown team 'ZZZ'", instances(TEAMS | {"home": "ZZZ"})),
    v1("V1: kickoff in the past", 409, "later knowledge", instances(TEAMS | {"kickoff": "2020-01-01T00:00:00Z"})),
    v1("V1: too few features", 400, "features must have shape [n, 6], found [1, 5]", {"instances": [SIX[:5]]}),
    v1("V1: ragged features", 400, "nested otherwise", {"instances": [SIX, SIX[:5]]}),
    v1("V1: text features", 400, "data must be numbers, found text", {"instances": [["1"] * 6]}),
    v1("V1: nested features", 400, "data must be numbers, found a list", {"instances": [[SIX] * 6]}),
    v1("V1: infinite features", 400, "infinity", json.dumps(instances(SIX)).replace("1.0]", "1e999]").encode()),
    v1("V1: features beyond FP32", 400, "not finite", {"instances": [[1e39] * 6]}),
    v1("V1: batch too large", 413, "has 65 rows, at most 64", instances(*[TEAMS] * 65)),
    v1("V1: plain text", 415, "send application/json", instances(TEAMS), headers={"content-type": "text/plain"}),
    v1("V1: binary", 415, "not read at", instances(TEAMS), headers=BINARY | {"inference-header-content-length": "9"}),
    v1("V1: GET for predict", 405, "use POST", method="GET"),
    v1("V1: unknown model", 404, "no model 'points' here", instances(TEAMS), path="/v1/models/points:predict"),
    v1("V1: unknown verb", 404, "nothing at", instances(TEAMS), path="/v1/models/match-outcome:train"),
    v1("V1: verb as a folder", 404, "nothing at", instances(TEAMS), path="/v1/models/match-outcome/predict"),
    v1("V1: two verbs", 404, "nothing at", instances(TEAMS), path="/v1/models/match-outcome:predict:explain"),
    # explanations
    why("explain: no inputs", 400, "has no inputs", {}),
    why("explain: unknown team", 400, "unknown team 'ZZZ'", match("ZZZ")),
    why("explain: unknown output", 400, "no output 'odds'", match(outputs=[{"name": "odds"}])),
    why("explain: features beyond FP32", 400, "not finite", raw([1e39] * 6)),
    why("explain: too few features", 400, "found [1, 5]", raw([1.0] * 5, [1, 5])),
    why("explain: too many rows", 413, "has 9 rows, at most 8", raw([1.0] * 54, [9, 6])),
    why("explain: binary", 415, "not read at", match(), headers=BINARY | {"inference-header-content-length": "9"}),
    why("explain: later knowledge", 409, "later knowledge", match(kickoff="2020-01-01T00:00:00Z")),
    why("explain: GET", 405, "use POST", method="GET"),
    v1("V1 explain: too many", 413, "has 9 rows, at most 8", instances(*[TEAMS] * 9), path=f"{V1}:explain"),
    v1("V1 explain: no instances", 400, "has no instances", {}, path=f"{V1}:explain"),
    # what describes the server
    Hostile("POST for the page", 405, "use GET", b"", path="/docs"),
    Hostile("DELETE for OpenAPI", 405, "use GET", method="DELETE", path="/openapi.json"),
    Hostile("beyond the page", 404, "nothing at", method="GET", path="/docs/secrets"),
    Hostile("PUT on the root", 405, "use GET", method="PUT", path="/"),
]
