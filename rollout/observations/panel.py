"""Panel: requests of the Open Inference Protocol V2 that a specification brings, for models that no registry knows."""

import httpx
import numpy as np

from rollout.judge import FloatArray, Pairs
from rollout.observations.model_client import ModelClient, NoForecast
from rollout.sources import PanelRequest, SourceError
from rollout.splitter import Endpoints
from serving.call import REPLAY_HEADER

CONNECT_SECONDS = 2.0


class PanelReplay:
    """Asks both versions the requests of a panel. seconds: timeout of a request."""

    def __init__(self, seconds: float = 10.0) -> None:
        timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
        self._client = httpx.Client(timeout=timeout, headers={REPLAY_HEADER: "1"}, trust_env=False)

    def pairs(self, model: str, endpoints: Endpoints, panel: tuple[PanelRequest, ...]) -> Pairs:
        """First outputs of both versions, row by row; NaN where the candidate gives none.

        Raises SourceError when a version cannot be reached, and when the stable one does not answer a request.
        """
        if not endpoints.stable or not endpoints.canary:
            raise SourceError(f"{model} has no servers of one of its two versions")
        stable, canary = (ModelClient(self._client, model, urls) for urls in (endpoints.stable, endpoints.canary))
        before, after = [], []
        for number, request in enumerate(panel):
            try:
                before.append(stable.answer(request))
            except NoForecast as error:
                raise SourceError(
                    f"the stable version does not answer request {number} of the panel: {error}"
                ) from None
            after.append(_answer_like(canary, request, before[-1]))
        if len({one.shape[1] for one in before}) > 1:
            raise SourceError("the stable version's answers to the panel have different widths")
        return Pairs(np.concatenate(before), np.concatenate(after))


def _answer_like(client: ModelClient, request: PanelRequest, wanted: FloatArray) -> FloatArray:
    """The candidate's answer, in the shape of the stable version's; NaN where it gives no such answer."""
    try:
        found = client.answer(request)
    except NoForecast:
        found = np.empty((0, 0))
    return found if found.shape == wanted.shape else np.full_like(wanted, np.nan)
