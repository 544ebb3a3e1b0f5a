"""The Kubernetes API in this process, as far as rollouts use it."""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rollout.kubernetes.client import ApiError, ApiResponse
from tests.rollout.fakes import ProcessKilled
from tests.rollout.kubernetes.patches import apply_merge_patch, drop_unapplied

Object = dict[str, Any]


@dataclass
class ApiServer:
    """Objects by plural and name. failing: whether it answers 503. kill_at: number of the write that is not made.

    written: path of each write. on_write: called after each.
    """

    failing: bool = False
    writes: int = 0
    kill_at: int = 0
    written: list[str] = field(default_factory=list)
    objects: dict[tuple[str, str], Object] = field(default_factory=dict)
    applied: dict[tuple[str, str], Object] = field(default_factory=dict)
    on_write: Callable[[], None] = lambda: None
    count: int = 0

    def check_route(self) -> None:
        """What must hold after each write."""

    def ask(self, method: str, path: str, query: Mapping[str, str], content: str, body: Object | None) -> ApiResponse:
        if self.failing:
            raise ApiError("the Kubernetes API does not answer: ReadTimeout")
        if method != "GET":
            self.writes += 1
            self.written.append(path)
            if self.writes == self.kill_at:
                raise ProcessKilled(f"{method} {path}")
        parts = path.split("/namespaces/")[1].split("/")
        plural, name, part = parts[1], *[*parts[2:], "", ""][:2]
        if plural == "services" and "knative" in path:
            plural = "ksvc"
        status, found = self._answer(method, plural, name, part, query, content, copy.deepcopy(body))
        response = ApiResponse(status, json.dumps(found).encode())
        if method != "GET":
            self.check_route()
            self.on_write()
        return response

    def _answer(
        self, method: str, plural: str, name: str, part: str, query: Mapping[str, str], content: str, body: Any
    ) -> tuple[int, Object]:
        if method == "GET" and not name:
            return 200, {"items": self.having(plural, query.get("labelSelector", ""))}
        if method == "POST":
            meta = body["metadata"]
            name = meta.get("name") or f"{meta['generateName']}{self.count}"
            if (plural, name) in self.objects:
                return 409, {"message": "exists"}
            return 201, self.put(plural, name, body)
        found = self.objects.get((plural, name))
        if found is None:
            return 404, {"message": f"{plural} {name} not found"}
        if method == "GET":
            return 200, found
        if method == "DELETE":
            del self.objects[plural, name]
            return 200, {}
        return self._changed(found, plural, name, part, content, body)

    def _changed(self, found: Object, plural: str, name: str, part: str, content: str, body: Any) -> tuple[int, Object]:
        told = body.get("metadata", {}).get("resourceVersion")
        if told not in (None, found["metadata"]["resourceVersion"]):
            return 409, {"message": "the object has been modified"}
        if "apply" in content:
            wanted = {key: value for key, value in body.items() if key not in ("apiVersion", "kind")}
            after = apply_merge_patch(drop_unapplied(found, self.applied.get((plural, name), {}), wanted), wanted)
            self.applied[plural, name] = wanted
        elif "merge" in content:
            after = apply_merge_patch(found, body)
        else:
            after = {**found, "status": body["status"]} if part == "status" else body
        return 200, self.write(plural, name, found, after)

    def write(self, plural: str, name: str, before: Object, after: Object) -> Object:
        if after == before:
            return before
        self.count += 1
        after["metadata"]["resourceVersion"] = str(self.count)
        if after.get("spec") != before.get("spec"):
            after["metadata"]["generation"] = before["metadata"].get("generation", 0) + 1
        self.objects[plural, name] = after
        if "deletionTimestamp" in after["metadata"] and not after["metadata"].get("finalizers"):
            del self.objects[plural, name]
        return after

    def put(self, plural: str, name: str, body: Object, **meta: Any) -> Object:
        self.count += 1
        own = {
            "name": name,
            "resourceVersion": str(self.count),
            "generation": 1,
            "creationTimestamp": f"{self.count:09}",
        }
        thing = {**body, "metadata": {**body.get("metadata", {}), **own, **meta}}
        self.objects[plural, name] = thing
        return thing

    def having(self, plural: str, selector: str = "") -> list[Object]:
        wanted = dict(each.split("=", 1) for each in selector.split(",")) if selector else {}
        found = [thing for (kind, _), thing in self.objects.items() if kind == plural]
        return [each for each in found if wanted.items() <= each["metadata"].get("labels", {}).items()]

    def get(self, plural: str, name: str) -> Object:
        return self.objects[plural, name]

    def delete(self, plural: str, name: str) -> None:
        thing = copy.deepcopy(self.objects[plural, name])
        thing["metadata"]["deletionTimestamp"] = "now"
        self.write(plural, name, self.objects[plural, name], thing)
