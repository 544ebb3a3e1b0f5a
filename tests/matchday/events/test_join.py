"""A member of a group whose client has forgotten that it was about to join."""

from types import SimpleNamespace

import pytest

from matchday.events.group_consumer import finish_join


@pytest.mark.parametrize(
    ("rejoining", "needed", "asked"),
    [(True, False, 1), (True, True, 0), (False, False, 0), (False, True, 0)],
)
def test_a_forgotten_join_is_asked_for_again(rejoining: bool, needed: bool, asked: int) -> None:
    calls: list[None] = []
    finish_join(
        SimpleNamespace(rejoining=rejoining, need_rejoin=lambda: needed, request_rejoin=lambda: calls.append(None))
    )
    assert len(calls) == asked


def test_the_client_still_has_what_is_asked_of_it() -> None:
    from kafka.coordinator.consumer import ConsumerCoordinator

    assert {"need_rejoin", "request_rejoin"} <= set(dir(ConsumerCoordinator))
    assert "rejoining" in ConsumerCoordinator.__init__.__code__.co_names + _names_of_base()


def _names_of_base() -> tuple[str, ...]:
    from kafka.coordinator.base import BaseCoordinator

    return BaseCoordinator.__init__.__code__.co_names
