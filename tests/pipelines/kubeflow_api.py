"""A stand-in for the API of Kubeflow Pipelines: what it keeps, and the errors of the real one, over HTTP."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

API = "/apis/v2beta1"


class KubeflowApi(http.server.ThreadingHTTPServer):
    """runs, pipelines, versions, recurring: as they were sent, the last by id; changes: of recurring runs, in order.

    refusal: the message that every run is refused with, if set. state: of every run that nobody has stopped.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.runs: list[dict[str, Any]] = []
        self.stopped: list[str] = []
        self.state = "SUCCEEDED"
        self.pipelines: dict[str, str] = {}
        self.versions: list[dict[str, str]] = []
        self.recurring: dict[str, dict[str, Any]] = {}
        self.changes: list[str] = []
        self.refusal = ""
        self.healthy = 200

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: KubeflowApi

    def do_GET(self) -> None:
        path, query = self._asked()
        if path == "/healthz":
            self._reply(self.server.healthy, {"multi_user": False})
        elif path.startswith("/runs/"):
            self._one_run(path.rpartition("/")[2])
        elif path == "/runs":
            ids = [f"r{number + 1}" for number in reversed(range(len(self.server.runs)))]
            self._reply(200, {"runs": [self._run(each) for each in ids]})
        elif path == "/pipelines":
            found = [self._pipeline(name) for name in self.server.pipelines if name in query.get("filter", [""])[0]]
            self._reply(200, {"pipelines": found, "total_size": len(found)})
        elif path == "/recurringruns":
            self._page("recurringRuns", list(self.server.recurring.values()), query)
        elif path.endswith("/versions"):
            self._page("pipeline_versions", self.server.versions, query)
        else:
            self._reply(200, {"experiments": []})

    def do_POST(self) -> None:
        path, query = self._asked()
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if path == "/experiments":
            self._reply(200, {"experiment_id": "e1", **json.loads(body)})
        elif path == "/runs":
            self._begin(json.loads(body))
        elif path == "/recurringruns":
            run_id = f"j{len(self.server.changes)}"
            self.server.changes.append(f"made {run_id}")
            self.server.recurring[run_id] = {"recurring_run_id": run_id, **json.loads(body)}
            self._reply(200, self.server.recurring[run_id])
        elif path.endswith(":terminate"):
            self.server.stopped.append(path.split("/")[2].partition(":")[0])
            self._reply(200, {})
        elif path == "/pipelines":
            name = json.loads(body)["display_name"]
            self.server.pipelines[name] = f"p{len(self.server.pipelines)}"
            self._reply(200, self._pipeline(name))
        else:
            version = {"display_name": query["name"][0], "description": query["description"][0]}
            version["pipeline_version_id"] = f"v{len(self.server.versions)}"
            self.server.versions.append(version)
            self._reply(200, {"pipeline_id": query["pipelineid"][0], **version})

    def do_DELETE(self) -> None:
        path, _ = self._asked()
        run_id = path.rpartition("/")[2]
        self.server.changes.append(f"deleted {run_id}")
        del self.server.recurring[run_id]
        self._reply(200, {})

    def _begin(self, run: dict[str, Any]) -> None:
        if self.server.refusal:
            self._reply(500, {"code": 13, "message": f"{self.server.refusal}\nFailed to compile job\n\t/go/src.go:361"})
            return
        self.server.runs.append(run)
        self._reply(200, {"run_id": f"r{len(self.server.runs)}", "state": "PENDING", **run})

    def _one_run(self, run_id: str) -> None:
        number = int(run_id.removeprefix("r")) if run_id.startswith("r") else 0
        if not 0 < number <= len(self.server.runs):
            self._reply(404, {"code": 5, "message": f"Run {run_id} not found\n\ttrace"})
            return
        self._reply(200, self._run(run_id))

    def _run(self, run_id: str) -> dict[str, Any]:
        """As the real one tells of it: what was canceled is FAILED in the end."""
        stopped = run_id in self.server.stopped
        state = "FAILED" if stopped else self.server.state
        history = ["PENDING", "RUNNING", *(["CANCELING"] if stopped else []), state]
        sent = self.server.runs[int(run_id.removeprefix("r")) - 1]
        return {"run_id": run_id, "state": state, "state_history": [{"state": each} for each in history], **sent}

    def _page(self, name: str, found: list[dict[str, Any]], query: dict[str, list[str]]) -> None:
        """One a page, so that pages are turned."""
        at = int(query.get("page_token", [""])[0] or 0)
        more = {"next_page_token": str(at + 1)} if at + 1 < len(found) else {}
        self._reply(200, {name: found[at : at + 1], **more})

    def _pipeline(self, name: str) -> dict[str, str]:
        return {"pipeline_id": self.server.pipelines[name], "display_name": name}

    def _asked(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        return parts.path.removeprefix(API), parse_qs(parts.query)

    def _reply(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def kubeflow_api() -> Iterator[KubeflowApi]:
    """The API for the time of the block."""
    with KubeflowApi() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
