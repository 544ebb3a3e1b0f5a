"""Client of a Prometheus server: instant queries."""

import json
from collections.abc import Mapping

import httpx

from rollout.sources import SourceError

Labels = Mapping[str, str]


class PrometheusClient:
    """Asks one Prometheus, not a pair behind a balancer: where the other is a scrape behind, counters seem to fall.

    url: such as http://prometheus.monitoring:9090. token: bearer token, where one is needed.
    """

    def __init__(
        self, url: str, token: str = "", headers: Mapping[str, str] | None = None, seconds: float = 5.0
    ) -> None:
        self.url = url.rstrip("/")
        authorization = {"authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(timeout=seconds, headers={**(headers or {}), **authorization})

    def ask(self, query: str) -> Mapping[str, float]:
        """Values by the labels of their series, as text. Raises SourceError."""
        return {json.dumps(labels, sort_keys=True): value for labels, value in self.query(query)}

    def query(self, query: str) -> list[tuple[Labels, float]]:
        """Series of an instant query and their values; a scalar is a series without labels. Raises SourceError."""
        try:
            response = self._client.post(f"{self.url}/api/v1/query", data={"query": query})
            answer = response.json()
            if answer["status"] != "success":
                raise SourceError(f"Prometheus at {self.url} refuses to answer: {answer.get('error', answer)}")
            data = answer["data"]
            if data["resultType"] == "scalar":
                return [({}, float(data["result"][1]))]
            return [(series["metric"], float(series["value"][1])) for series in data["result"]]
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceError(
                f"Prometheus at {self.url} does not answer: {str(error) or type(error).__name__}"
            ) from None
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            detail = f"({response.status_code}, {response.text[:60]!r})"
            raise SourceError(f"what is at {self.url} answers, but not as a Prometheus does {detail}") from None
