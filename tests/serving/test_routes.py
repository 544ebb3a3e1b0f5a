"""One table for every path: found with its parameters, by whoever may ask, in a lookup that clients cannot grow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.http.routes import ROUTES, ForecastRoute, RouteMatch, RouteTable, check_method
from serving.protocol.errors import Refusal

MODELS = ("match-outcome", "player-points")
SEGMENT = st.text(st.sampled_from("ab/:.%{}é\n "), max_size=6)


def found(path: str) -> RouteMatch:
    return RouteTable().find(path, MODELS)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize("slashes", ["", "/", "//"])
def test_every_path_of_the_table_leads_to_its_route(route: object, slashes: str) -> None:
    path = route.path.replace("{model}", "match-outcome").replace("{version}", "12")  # type: ignore[attr-defined]
    match = found(path + slashes)
    assert match.route is route
    assert match.model == ("match-outcome" if "{model}" in route.path else None)  # type: ignore[attr-defined]
    assert match.version == ("12" if "{version}" in route.path else None)  # type: ignore[attr-defined]


def test_probes_and_metrics_alone_are_open_to_all() -> None:
    """V1's probes are its root and the metadata of a model."""
    assert {route.path for route in ROUTES if route.open_to_all} == {
        "/",
        "/v1/models/{model}",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/{model}/ready",
        "/v2/models/{model}/versions/{version}/ready",
        "/metrics",
    }


def test_a_path_has_one_route_and_a_span_names_a_path_of_the_table() -> None:
    paths = [route.path for route in ROUTES]
    assert len(set(paths)) == len(paths)
    names = {f"{route.method} {route.path}" for route in ROUTES}
    assert {route.span for route in ROUTES if isinstance(route, ForecastRoute)} < names


@pytest.mark.parametrize(
    "path", ["/v3", "//v2", "/v2/models/a/infer/infer", "/v2/models/a/unload", "/v1/models/a:predict:explain", "/V2"]
)
def test_other_paths_have_no_route(path: str) -> None:
    match = found(path)
    assert match == RouteMatch(None)
    with pytest.raises(Refusal, match="nothing at") as refused:
        check_method(match, path, "GET")
    assert refused.value.status == 404


def test_another_method_is_told_the_right_one() -> None:
    with pytest.raises(Refusal, match="use POST for '/v2/models/a/infer', not 'GET'") as refused:
        check_method(found("/v2/models/a/infer"), "/v2/models/a/infer", "GET")
    assert (refused.value.status, refused.value.headers) == (405, (("allow", "POST"),))
    with pytest.raises(Refusal, match="use GET for '/v2', not 'POST'") as refused:
        check_method(found("/v2"), "/v2", "POST")
    assert refused.value.headers == (("allow", "GET, HEAD"),)


def test_head_is_for_what_can_be_got() -> None:
    for route in ROUTES:
        if route.method == "GET":
            assert check_method(RouteMatch(route), route.path, "HEAD") is route
        else:
            with pytest.raises(Refusal, match="not 'HEAD'"):
                check_method(RouteMatch(route), route.path, "HEAD")


@given(st.lists(st.tuples(st.sampled_from([route.path for route in ROUTES]), SEGMENT, SEGMENT, SEGMENT), max_size=200))
def test_clients_cannot_make_the_lookup_grow(asked: list[tuple[str, str, str, str]]) -> None:
    table = RouteTable()
    for path, model, version, tail in asked:
        for name in (model, *MODELS):
            table.find(path.replace("{model}", name).replace("{version}", version) + tail, MODELS)
    bound = {route.path.replace("{model}", name) for route in ROUTES for name in MODELS}
    assert set(table._lookup) <= bound
    assert all("{version}" not in path for path in table._lookup)


def test_a_path_is_found_again_as_it_was_the_first_time() -> None:
    table = RouteTable()
    for path in ("/v2/models/match-outcome/infer", "/v2/models/other/infer", "/metrics", "/nowhere"):
        assert table.find(path, MODELS) == table.find(path, MODELS) == found(path)
