"""Of several operators one acts: whoever holds the lease, and only while it surely does."""

from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.kubernetes.api import Api
from rollout.kubernetes.client import TIMEOUTS
from rollout.kubernetes.lease import LENGTH, RENEWAL_SECONDS, TRUSTED, Lease
from tests.rollout.kubernetes.cluster import NAMESPACE, Cluster


class Clocks:
    """One time for all, and of each process its own."""

    def __init__(self) -> None:
        self.now = 0.0


def lease(cluster: Cluster, clocks: Clocks, holder: str, ahead: float = 0.0) -> Lease:
    return Lease(Api(NAMESPACE, cluster), "operator", holder, lambda: clocks.now + ahead)


def test_the_first_holds_it_and_the_second_stands_by() -> None:
    cluster, clocks = Cluster(), Clocks()
    one, two = lease(cluster, clocks, "one"), lease(cluster, clocks, "two", ahead=1e6)
    assert (one.hold(), two.hold()) == (True, False)
    for _ in range(20):
        clocks.now += RENEWAL_SECONDS
        assert (one.hold(), two.hold()) == (True, False)


def test_who_is_killed_is_followed_after_its_length() -> None:
    cluster, clocks = Cluster(), Clocks()
    one, two = lease(cluster, clocks, "one"), lease(cluster, clocks, "two")
    one.hold()
    assert not two.hold()
    clocks.now += LENGTH - 1
    assert not two.hold()
    clocks.now += 1
    assert two.hold()
    assert not one.held


def test_who_ends_in_order_is_followed_at_once() -> None:
    cluster, clocks = Cluster(), Clocks()
    one, two = lease(cluster, clocks, "one"), lease(cluster, clocks, "two")
    one.hold()
    one.release()
    assert not one.held
    assert two.hold()


def test_without_the_api_the_lease_is_held_no_longer_than_it_is_sure() -> None:
    cluster, clocks = Cluster(), Clocks()
    one = lease(cluster, clocks, "one")
    one.hold()
    cluster.failing = True
    clocks.now += TRUSTED - 1
    assert one.hold()
    clocks.now += 1
    assert not one.hold()


def test_a_write_that_begins_in_time_ends_before_another_may_write() -> None:
    assert TRUSTED + sum(TIMEOUTS) < LENGTH
    assert 3 * RENEWAL_SECONDS < TRUSTED


@settings(deadline=None, max_examples=200)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from([0, 1, 2]), st.floats(0, 40), st.booleans(), st.booleans()), min_size=1, max_size=60
    )
)
def test_two_never_hold_it_at_once(steps: list[tuple[int, float, bool, bool]]) -> None:
    cluster, clocks = Cluster(), Clocks()
    all_ = [lease(cluster, clocks, str(each), ahead=each * 1000.0) for each in range(3)]
    for who, passed, failing, ends in steps:
        clocks.now += passed
        cluster.failing = failing
        if ends:
            all_[who].release()
        else:
            all_[who].hold()
        assert sum(each.held for each in all_) <= 1
