"""The servers that ours is measured beside read the same signature as ours."""

from benchmarks.serving.peers.lookup import columns_of
from matchday.models.match_outcome.kind import MATCH_OUTCOME
from matchday.models.packaging import describe


def test_peers_find_every_column_in_a_bundles_signature() -> None:
    signature = describe(MATCH_OUTCOME, "f00d", "2026-04-01")
    columns = columns_of(signature.to_json())
    assert [name for name, _ in columns] == [f"{ref.input}__{ref.view}__{ref.feature}" for ref in signature.features]
    assert [at_most for _, at_most in columns] == [ref.derived and ref.derived.at_most for ref in signature.features]
