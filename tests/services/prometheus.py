"""A real Prometheus for tests: on a free port, scraping what it is told to, ended by its id."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.services.processes import SLOW_START_SECONDS, end, free_port, wait_for_port
from tests.services.requirements import executable

PACKAGE = "prometheus"
SCRAPED_EVERY = "200ms"


@dataclass
class PrometheusServer:
    """A server that can be stopped and started again on the same port, with what it held.

    jobs: name of a job -> the addresses (HOST:PORT) that it scrapes. labels: of everything that is scraped. options: of
    the command line.
    """

    folder: Path
    jobs: Mapping[str, Sequence[str]]
    labels: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Base URL of its API."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, with what was scraped before."""
        jobs = [
            {"job_name": name, "static_configs": [{"targets": list(targets), "labels": dict(self.labels)}]}
            for name, targets in self.jobs.items()
        ]
        every = {"scrape_interval": SCRAPED_EVERY, "scrape_timeout": SCRAPED_EVERY}
        written = self.folder / "prometheus.yml"
        written.write_text(json.dumps({"global": every, "scrape_configs": jobs}))  # JSON is YAML
        command = [executable("prometheus", PACKAGE), f"--config.file={written}", f"--storage.tsdb.path={self.folder}"]
        command += [f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn", *self.options]
        with (self.folder / "prometheus.log").open("a") as log:
            self.process = subprocess.Popen(command, text=True, stdout=log, stderr=log)
        wait_for_port(self.process, self.port, seconds=SLOW_START_SECONDS)

    def stop(self) -> None:
        """End, gently at first."""
        if self.process is not None:
            end(self.process)
            self.process = None


@contextmanager
def prometheus_server(
    folder: Path,
    jobs: Mapping[str, Sequence[str]],
    labels: Mapping[str, str] | None = None,
    options: tuple[str, ...] = (),
) -> Iterator[PrometheusServer]:
    """A server for the time of the block."""
    server = PrometheusServer(folder, jobs, labels or {}, options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
