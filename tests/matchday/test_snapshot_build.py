"""The bundled history can be rebuilt bit for bit, and nothing of the archive is read but what is allowed."""

import json
import os
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from matchday.errors import MatchdayError
from matchday.settings import REPOSITORY, Settings
from matchday.sources import clubs, wheel
from matchday.sources.history.appearances import distinct
from matchday.sources.history.archive import ALLOWED, FOLDER, Archive
from matchday.sources.history.availability import reason
from matchday.sources.history.registrations import Registrations, made_up
from matchday.sources.snapshot import SUMS
from tests.services.requirements import require

GIVEN = os.environ.get("MATCHDAY_WHEEL")
KEPT = REPOSITORY / ".tools" / "wheel"
POISON = ("FPL_LOGIN", "secrets.json", "player_details_1516.json", "results_2526.csv.bak")


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """The published wheel: MATCHDAY_WHEEL, the one fetched before, or one fetched now and kept."""
    if GIVEN:
        return Path(GIVEN)
    found = next(iter(KEPT.glob("*.whl")), None)
    if found is None:
        try:
            fetched = wheel.fetch(tmp_path_factory.mktemp("wheel"))
        except MatchdayError as offline:
            require(present=False, reason=f"the published wheel cannot be had: {offline}")
            raise
        KEPT.mkdir(parents=True, exist_ok=True)
        beside = KEPT / f"{os.getpid()}.part"
        beside.write_bytes(fetched.read_bytes())
        found = beside.replace(KEPT / fetched.name)
    return found


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """Names of the members that are opened, however they are."""
    names, really = [], zipfile.ZipFile.open

    def spy(self, name, *rest, **more):
        names.append(name if isinstance(name, str) else name.filename)
        return really(self, name, *rest, **more)

    monkeypatch.setattr(zipfile.ZipFile, "open", spy)
    return names


@pytest.fixture
def poisoned(tmp_path) -> Path:
    """An archive with every allowed file, and files beside them that are none of our business."""
    path = tmp_path / "a.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(ALLOWED | set(POISON)):
            archive.writestr(f"{FOLDER}/{name}", "{}")
        archive.writestr("airsenal/__init__.py", "")
    return path


@pytest.mark.slow
def test_a_rebuild_is_the_committed_history_bit_for_bit_and_opens_what_is_allowed(
    published, tmp_path, opened, monkeypatch
):
    published_rows = []
    monkeypatch.setattr(wheel, "distinct", lambda rows: published_rows.append(rows) or distinct(rows))
    built = wheel.build(published, tmp_path)
    committed = Settings().snapshot
    assert (tmp_path / SUMS).read_text() == (committed / SUMS).read_text()
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (committed / file.name).read_bytes()
    assert set(opened) == {f"{FOLDER}/{name}" for name in ALLOWED}
    assert built["matches"] == 12 * 380
    as_published(published_rows[0])


def as_published(rows: pd.DataFrame) -> None:
    """Every published row found its match, and 23/24 holds rows twice that count once in the table."""
    assert len(rows) == 253_839
    assert rows["match_id"].notna().all()
    assert rows.groupby("season")["xg"].sum().round()[-4:].tolist() == [1097, 1199, 1101, 1068]
    twice = rows[rows.duplicated(keep=False)]
    assert set(twice["season"]) == {"2324"}
    assert set(twice["name"]) == {"Đorđe Petrović", "Max Kinsey", "Michael Olakigbe", "Yegor Yarmoliuk"}


def test_what_is_not_allowed_is_never_opened(poisoned, opened):
    archive = Archive(poisoned)
    for name in sorted(ALLOWED):
        archive.text(name)
    for name in (*POISON, "../data/results_2526.csv", f"{FOLDER}/results_2526.csv", ""):
        with pytest.raises(ValueError, match="not on the list"):
            archive.text(name)
    assert opened == [f"{FOLDER}/{name}" for name in sorted(ALLOWED)]


def test_the_allowed_names_are_those_of_the_known_families():
    families = (
        "results_",
        "player_details_",
        "FPL_",
        "fixture_data_",
        "teams_",
        "player_attributes_history_2526.csv",
    )
    assert len(ALLOWED) == 12 + 10 + 9 + 7 + 12 + 1
    assert all(name.startswith(families) and name.endswith((".csv", ".json")) for name in ALLOWED)


def test_a_wheel_that_is_not_the_pinned_one_is_refused_unopened(poisoned, tmp_path, opened):
    with pytest.raises(MatchdayError, match=r"sha256 is .*download it again"):
        wheel.build(poisoned, tmp_path / "out")
    with pytest.raises(MatchdayError, match=r"none\.whl: cannot be read"):
        wheel.build(tmp_path / "none.whl", tmp_path / "out")
    assert opened == []
    assert not (tmp_path / "out").exists()


def test_an_archive_that_lacks_a_file_or_is_none_says_so(tmp_path):
    empty, text = tmp_path / "empty.whl", tmp_path / "text.whl"
    zipfile.ZipFile(empty, "w").close()
    text.write_text("not an archive")
    with pytest.raises(MatchdayError, match=r"results_2526\.csv is not in it"):
        Archive(empty).text("results_2526.csv")
    with pytest.raises(MatchdayError, match=r"text\.whl: cannot be read"):
        Archive(text).text("results_2526.csv")


def test_without_pip_and_uv_the_way_by_hand_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(wheel.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(wheel.shutil, "which", lambda _: None)
    monkeypatch.setattr(wheel.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(wheel, "REPOSITORY", tmp_path)
    with pytest.raises(MatchdayError, match=r"pip download --no-deps airsenal==1\.17\.0.*--wheel PATH"):
        wheel.fetch(tmp_path)


def test_a_failed_download_says_why_and_the_way_by_hand(monkeypatch, tmp_path):
    monkeypatch.setattr(wheel, "_pip", lambda: [sys.executable, "-c", "raise SystemExit('no network')"])
    with pytest.raises(MatchdayError, match=r"could not be fetched \(no network\).*--wheel PATH"):
        wheel.fetch(tmp_path)


def dump(*players: tuple[int, str, str, int, int]) -> str:
    teams = [{"id": 1, "short_name": "LEI"}, {"id": 2, "short_name": "CAR"}]
    named = [
        {
            "code": code,
            "first_name": first,
            "second_name": last,
            "web_name": last,
            "team": team,
            "element_type": kind,
        }
        for code, first, last, team, kind in players
    ]
    return json.dumps({"teams": teams, "elements": named})


@pytest.fixture
def registrations(tmp_path) -> Registrations:
    """Seasons with namesakes; the others are empty. The largest code of 17/18 is 8."""
    path = tmp_path / "dumps.whl"
    filled = {
        "FPL_1718.json": dump((7, "José", "Ángel", 1, 1), (8, "Ed", "Fox", 1, 3), (99, "A", "Manager", 1, 5)),
        "FPL_1819.json": dump((1, "Danny", "Ward", 1, 1), (2, "Danny", "Ward", 2, 4), (8, "José", "Ángel", 2, 2)),
        "FPL_2526.json": dump((9, "José", "Ruiz", 1, 3), (8, "Ana", "Ruiz", 1, 3)),
        "FPL_1920.json": dump((3, "Sam", "Ward", 1, 3), (4, "Sam", "Ward", 1, 3)),
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(name for name in ALLOWED if name.startswith("FPL_")):
            archive.writestr(f"{FOLDER}/{name}", filled.get(name, dump()))
    return Registrations(Archive(path))


@pytest.mark.parametrize(
    ("season", "name", "team", "position", "code"),
    [
        ("1819", "Danny Ward", "LEI", "GK", 1),
        ("1819", "Danny Ward", "CAR", "FWD", 2),
        ("1819", "Daniel Carl Ward", "CAR", "FWD", 2),
        ("1819", "Danny Ward", "ARS", "GK", 1),
        ("1617", "danny ward", "LEI", "GK", 1),
        ("1617", "Jose Angel", "ARS", "GK", 7),
        ("1617", "Jose Angel", "ARS", "DEF", 8),
        ("1920", "Sam Ward", "LEI", "MID", None),
        ("1617", "Nobody", "LEI", "GK", None),
        ("1617", "José Ruiz", "LEI", "MID", None),
        ("2526", "José Ruiz", "LEI", "MID", 9),
        ("1617", "Ana Ruiz", "LEI", "MID", 8),
    ],
)
def test_namesakes_are_told_apart(registrations, season, name, team, position, code):
    found = registrations.find(season, name, team, position)
    assert (found and found.code) == code


def test_a_made_up_code_is_negative_and_the_names_own():
    names = ["John Terry", "Dimitri Payet", "Oscar", "Shay Given"]
    codes = [made_up(name) for name in names]
    assert codes == [made_up(name.upper()) for name in names]
    assert len(set(codes)) == 4
    assert all(-(2**47) <= code < 0 for code in codes)
    assert codes[0] == -10965300695951


def test_the_reason_of_an_absence_is_read_from_the_words_about_it():
    news = {
        "Knee injury - Expected back 01 Jan": "injury",
        "Illness - 75% chance of playing": "illness",
        "Suspended until 03 Mar": "suspension",
        "Lack of match fitness - Unknown return date": "fitness",
        "has joined AC Milan on loan for the rest of the season.": "loan",
        "Has joined Valencia permanently": "left",
        "Ineligible to face his parent club on 3/12.": "ineligible",
        "On international duty": "international",
        "Personal Reasons - 25% chance of playing": "personal",
        "Unknown - 50% chance of playing": "other",
        None: None,
    }
    found = reason(pd.Series(list(news), dtype=object))
    assert [one if isinstance(one, str) else None for one in found] == list(news.values())


def test_clubs_are_found_by_any_name():
    assert [clubs.code(name) for name in ("Spurs", "Man City", "Nott'm Forest", "ARS")] == [
        "TOT",
        "MCI",
        "NFO",
        "ARS",
    ]
    assert all(clubs.code(full) == code for code, full in clubs.NAMES.items())
    with pytest.raises(MatchdayError, match=r"no club is called 'Barcelona'; known names are Arsenal, "):
        clubs.code("Barcelona")
