"""What producers send: nothing that breaks its schema."""

import pytest

from console.operations.streaming import valid_events
from matchday import telemetry
from matchday.events import PLAYER_STATS, RESULTS
from tests.feature_repo.stream import world


def test_an_event_that_breaks_its_schema_is_not_sent(capsys: pytest.CaptureFixture[str]) -> None:
    (good, bad), (result,) = world.events()[:2], [one for one in world.events() if one[0] is RESULTS][:1]
    broken = bad[1]._replace(data={**bad[1].data, "minutes": -1})
    assert good[0] is PLAYER_STATS
    telemetry.start("test")
    try:
        assert list(valid_events([good, (PLAYER_STATS, broken), result])) == [good, result]
    finally:
        telemetry.shutdown()
    told = capsys.readouterr().err
    assert broken.id in told and "minutes" in told
    assert good[1].id not in told
