"""Plans kept in a file: whatever they tell, and whatever is planned from them, comes back bit for bit."""

import errno
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError
from scenarios.cli import main
from scenarios.saved import archive, saving
from tests.saved import BOOK, members_of, small_plan
from tests.usages import organisation

ROOT = Path(__file__).parents[1]
OTHER = sc.Scenario("other", [sc.Growth(monthly=0.05), sc.PriceChange(model="gpt-5", on="2027-02-01", by=-0.2)])
ODD = ["=1+1", "@x \U0001f600\nnext", "\u202eright to left \u05d0", "'=q", "\tcmd", "k" * 40_000, '"', "\0", "", "None"]


@pytest.fixture(scope="module")
def small():
    return small_plan()


@pytest.fixture(scope="module")
def content(small, tmp_path_factory):
    return small.save(tmp_path_factory.mktemp("small") / "small.tokenplan").read_bytes()


# ------------------------------------------------------------------------------------------------ plans of every kind


@pytest.fixture(scope="module")
def projection():
    usage = organisation()
    late = usage.frame[usage.frame["date"] >= "2026-06-01"].reset_index(drop=True)
    return fc.project(replace(usage, frame=late), horizon="1Q", model="seasonal_naive", trajectories=30, seed=7)


@pytest.fixture(scope="module")
def plan(projection):
    """A plan of most of what a plan can hold."""
    calm = sc.Scenario("calm", [sc.PriceChange(model="gpt-5*", on="2027-02-01", by=sc.between(-0.4, -0.2))])
    scenario = sc.Scenario(
        "launch",
        [sc.Growth(monthly=sc.between(0.03, 0.08), where={"project": "search"}), sc.Spikes(rate=2, by=1.5, days=3)],
        "Why.",
    ).tree([(0.4, calm), (0.6, sc.Scenario("as it is"))], name="tree")
    lines = [
        sc.Fixed("base", monthly=sc.between(900, 1_200), escalation=0.02, escalates_on="2027-02-01"),
        sc.Risk("migration", probability=0.2, impact=scipy.stats.lognorm(0.5, scale=900.0)),
        sc.Reserve("scaling", funds="spikes"),
        sc.Reserve("management", to=0.95),
        sc.Reserve("emergency", 2_000),
    ]
    splits = [
        sc.EnvironmentSplit(development=(0.15, 0.20), production=(0.60, 0.70)),
        sc.Split("department", {"product": (0.2, 0.9)}, shared={"base": {"product": 3, "service": 1}}),
    ]
    tie = sc.CommonFactor("adoption", {"growth": 0.7, "base": 0.5})
    return sc.plan(projection, scenario=scenario, components=lines, split=splits, dependence=[tie], draws=300, seed=7)


@pytest.fixture(scope="module")
def file(plan, tmp_path_factory):
    return plan.save(tmp_path_factory.mktemp("saved") / "q1.tokenplan")


@pytest.fixture(scope="module")
def loaded(file):
    return sc.load_plan(file)


def tables(plan):
    """What a plan tells, as frames."""
    told = {str(by): plan.table(by, errors=True, demand=True) for by in ("environment", ["quarter", "line"], [])}
    told |= {"assumptions": plan.assumptions, "convergence": plan.convergence(), "levels": plan.levels()}
    told |= {"set aside": plan.set_aside(), "funding": plan.funding_table(), "frame": plan.to_frame()}
    told |= {"history": plan.history.to_frame(), "excluded": plan.excluded}
    if plan.ledger.levels:
        told |= {"policy": plan.policy(), "shares": plan.shares()}
    if plan.untied is not None:
        told |= {"tied": plan.dependence_effect()}
    return told


def assert_same(one, other):
    assert np.array_equal(one.ledger.money, other.ledger.money)
    assert one.totals.tobytes() == other.totals.tobytes()
    assert np.array_equal(one.gap, other.gap)
    told = tables(other)
    for name, table in tables(one).items():
        pd.testing.assert_frame_equal(table, told[name], check_exact=True, check_freq=True, obj=name)
    assert repr(one) == repr(other)
    assert one.fingerprint == other.fingerprint


def test_everything_that_a_plan_tells_is_the_same(plan, loaded):
    assert_same(plan, loaded)
    pd.testing.assert_frame_equal(plan.sensitivity(), loaded.sensitivity(), check_exact=True)
    assert plan.point_estimates().equals(loaded.point_estimates())
    assert plan.reserves == loaded.reserves
    assert plan.earmarks == loaded.earmarks
    assert plan.projection.usage.sha256 == loaded.projection.usage.sha256
    assert plan.spec.prices.sha256 == loaded.spec.prices.sha256
    assert plan.under(sc.BudgetPolicy(rollover=0.5)).table().equals(loaded.under(sc.BudgetPolicy(rollover=0.5)).table())
    assert plan.projection.to_frame().equals(loaded.projection.to_frame())


def test_tables_written_from_it_are_the_same_bytes(plan, loaded, tmp_path):
    assert plan.to_csv(tmp_path / "c").read_bytes() == loaded.to_csv(tmp_path / "d").read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [
        {"scenario": OTHER, "components": [], "dependence": [], "split": None},
        {"seed": 8, "draws": 200},
        {"prices": BOOK, "confidence": 0.9},
    ],
    ids=",".join,
)
def test_what_is_planned_anew_is_the_same(plan, loaded, arguments):
    assert loaded.workings.fits(loaded.projection, loaded.spec.prices, 300, 7)
    assert_same(plan.replan(**arguments), loaded.replan(**arguments))


def test_a_projection_refitted_from_the_file_is_the_same(plan, loaded):
    one, other = (p.projection.at("2026-09-15").volume.paths() for p in (plan, loaded))
    assert one.tobytes() == other.tobytes()


def test_a_new_process_opens_it_without_the_export_and_writes_the_same_bytes(plan, file, tmp_path):
    code = (
        "import sys, scenarios as sc, forecast.readers, forecast.projection as p, forecast.dependence as d\n"
        "def no(*_, **__): raise SystemExit('fitted or read')\n"
        "p.trajectories = p.drivers_of = p.projected = d.trajectories = forecast.readers.read_usage = no\n"
        "plan = sc.load_plan(sys.argv[1]); plan.save(sys.argv[2])\n"
        "other = plan.replan(confidence=0.9)\n"
        "assert 'pickle' not in vars(sys.modules['scenarios.saved.reading'])\n"
        "print(plan.fingerprint, plan.totals.sum().hex(), other.fingerprint)"
    )
    again = tmp_path / "again.tokenplan"
    command = [sys.executable, "-c", code, str(file), str(again)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = [plan.fingerprint, plan.totals.sum().hex(), plan.replan(confidence=0.9).fingerprint]
    assert done.stdout.split() == expected
    assert again.read_bytes() == file.read_bytes()


def test_what_is_shared_still_is(plan, loaded):
    for one in (plan, loaded):
        assert one.spec.splits[0] is one.ledger.levels[0].split
        assert one.ledger.calendar is one.projection.spec.calendar
        assert one.ledger.shares is one.ledger.levels[0].parted[0].shares


def test_same_plan_same_bytes(plan, projection, file, tmp_path):
    assert plan.save(tmp_path / "b").read_bytes() == file.read_bytes()
    a, b = (sc.plan(projection, prices=BOOK, draws=300, seed=3).save(tmp_path / name).read_bytes() for name in "cd")
    assert a == b


KIND = {
    "frozen": {"scenario": sc.Scenario("x", [sc.Growth(monthly=scipy.stats.norm(0.05, scale=0.01))])},
    "bare": {"detail": ()},
    "enough draws": {"draws": "auto", "error": 0.02},
    "prices": {"prices": fc.PriceBook.blended("2.50").with_long_share("0.25") | BOOK},
    "vendors": {"scenario": sc.Scenario("x", [sc.VendorPrices()])},
    "recent": {
        "split": sc.Split("project", basis="recent", shared={"*": "requests"}),
        "components": [sc.Fixed("x", monthly=np.float64(10.0))],
    },
    "equal risk": {"split": sc.Split("department", {"product": (0.2, 0.9)}, basis="equal risk")},
}


@pytest.mark.parametrize("kind", KIND)
def test_every_kind_of_plan_comes_back(projection, tmp_path, kind):
    made = sc.plan(projection, **({"draws": 200, "prices": BOOK} | KIND[kind]))
    again = sc.load_plan(made.save(tmp_path / "x"))
    assert_same(made, again)
    assert again.save(tmp_path / "y").read_bytes() == (tmp_path / "x").read_bytes()


def few(first="2026-05-01", last="2026-10-31", freq="D"):
    """Two projects of a season and a trend."""
    days = pd.date_range(first, last, freq=freq)
    volume = (900 + np.arange(len(days))) * np.where(days.day_of_week > 4, 0.5, 1.0)
    rows = [
        pd.DataFrame({"date": days, "provider": "openai", "model": "gpt-5", "project": name, "requests": volume * size})
        for name, size in (("search", 1.0), ("chat", 2.0))
    ]
    return pd.concat(rows).assign(environment="production", input_tokens=lambda f: f["requests"] * 900.0)


def money_alone():
    return few().drop(columns=["requests", "input_tokens"]).assign(billed_cost=5.0, currency="EUR")


def restated():
    frame = few().assign(recorded_at=pd.Timestamp("2026-10-31"))
    return pd.concat([frame, frame.iloc[:3].assign(recorded_at=pd.Timestamp("2026-11-01"), requests=5.0)])


PROJECTIONS = {
    "by month": (lambda: few("2024-11-01", "2026-10-01", "MS"), {}),
    "money alone": (money_alone, {}),
    "restated": (restated, {}),
    "weeks": (few, {"calendar": fc.Calendar(weeks="4-4-5"), "cleaning": None}),
    "own paths": (few, {"model": fc.AdoptionCurve(kind="logistic", paths="own")}),
    "combined": (
        few,
        {
            "model": fc.Combination(models=["seasonal_naive", "drift"]),
            "cleaning": fc.Cleaning(exclude=[("*", "2026-08-01", "2026-08-03")]),
        },
    ),
}


@pytest.mark.parametrize("kind", PROJECTIONS)
def test_every_kind_of_projection_comes_back(tmp_path, kind):
    frame, arguments = PROJECTIONS[kind]
    usage = fc.Usage.from_frame(frame(), sort=True)
    asked = {"model": "seasonal_naive", "trajectories": 20, "horizon": "1M", "seed": 2} | arguments
    made = sc.plan(fc.project(usage, **asked), prices=BOOK, draws=150, seed=3)
    again = sc.load_plan(made.save(tmp_path / "x"))
    assert_same(made, again)
    assert np.array_equal(made.replan(confidence=0.9).ledger.money, again.replan(confidence=0.9).ledger.money)
    assert again.projection.spec == made.projection.spec
    superseded = made.projection.usage.superseded
    assert (kind == "restated") == (superseded is not None)
    assert superseded is None or superseded.equals(again.projection.usage.superseded)
    assert (kind == "own paths") == (made.projection.volume.own is not None)


def test_names_that_try_to_break_out_come_back(tmp_path):
    days = pd.date_range("2026-09-01", "2026-10-31")
    rows = [
        pd.DataFrame({"date": days, "provider": "openai", "model": "gpt-5", "project": name, "environment": f"e{name}"})
        for name in ODD
        if name.strip()
    ]
    usage = fc.Usage.from_frame(pd.concat(rows).assign(requests=9.0, input_tokens=900.0), source="=cmd|' /C calc'!A0")
    made = fc.project(usage, horizon="1M", model="seasonal_naive", trajectories=5)
    lines = [sc.Fixed(f"{name}x", monthly=1.0) for name in ODD]
    scenario = sc.Scenario("=x\u202e\n\U0001f600", description="\r\n, half a pair: \ud800")
    plan = sc.plan(made, prices=BOOK, components=lines, scenario=scenario, draws=100)
    again = sc.load_plan(plan.save(tmp_path / "\u202eא \U0001f600.tokenplan"))
    assert_same(plan, again)
    assert [c.name for c in again.spec.components] == [c.name for c in lines]
    assert again.projection.usage.source == usage.source


# ------------------------------------------------------------------------------------------------- classes of one's own


@dataclass(frozen=True, slots=True)
class Doubling:
    """A change of one's own."""

    name: str | None = None
    factor: float = 2.0
    key: str = "doubling"
    stage: str = "volume"
    step: str = "volume"

    def describe(self):
        return f"everything times {self.factor:g}"

    def act(self, flows, scene):
        return sc.Step(by=self.factor - 1.0, on="2027-01-15").act(flows, scene)


@dataclass(frozen=True)
class Flat:
    """A law of one's own."""

    low: float = 1.0

    def ppf(self, q):
        return self.low + np.asarray(q)


@pytest.fixture(scope="module")
def own_plan(projection):
    lines = [sc.Fixed("x", monthly=Flat(3.0))]
    scenario = sc.Scenario("mine", [Doubling(factor=3.0)])
    return sc.plan(projection, prices=BOOK, scenario=scenario, components=lines, draws=150)


def test_a_class_of_ones_own_is_named_and_refused(own_plan, tmp_path):
    told = r"plan\.spec\.scenario\.changes\[0\] is a Doubling of .*kinds=\[Doubling\]"
    with pytest.raises(PlanError, match=told):
        own_plan.save(tmp_path / "x")
    with pytest.raises(PlanError, match=r"components\[0\]\.monthly is a Flat"):
        own_plan.save(tmp_path / "x", kinds=[Doubling])
    assert not list(tmp_path.iterdir())


def test_a_class_of_ones_own_that_is_handed_over_comes_back(own_plan, tmp_path):
    file = own_plan.save(tmp_path / "x", kinds=[Doubling, Flat])
    again = sc.load_plan(file, kinds=[Flat, Doubling])
    assert_same(own_plan, again)
    assert again.spec.scenario.changes == (Doubling(factor=3.0),)
    assert np.array_equal(own_plan.replan(confidence=0.9).totals, again.replan(confidence=0.9).totals)
    with pytest.raises(PlanError, match=r"it holds a Doubling of .*sc\.load_plan\(path, kinds=\[Doubling\]\)"):
        sc.load_plan(file)

    @dataclass(frozen=True)
    class Doubling2:
        size: float = 1.0

    Doubling2.__name__ = "Doubling"
    with pytest.raises(PlanError, match="with factor, key, name, stage, step, which the Doubling here does not take"):
        sc.load_plan(file, kinds=[Doubling2, Flat])
    with pytest.raises(PlanError, match="two classes are named Doubling"):
        sc.load_plan(file, kinds=[Doubling2, Doubling])


@pytest.mark.parametrize("kinds", [[dict], "Doubling", [Doubling()], Doubling, [sc.Growth], 7])
def test_kinds_that_are_none_are_told(own_plan, tmp_path, kinds):
    with pytest.raises(PlanError, match=r"plan\.save: kinds"):
        own_plan.save(tmp_path / "x", kinds=kinds)


def test_a_class_that_comes_back_otherwise_is_not_saved(projection, tmp_path):
    @dataclass(frozen=True)
    class Moving:
        low: float = 1.0

        def __post_init__(self):
            object.__setattr__(self, "low", self.low + 1.0)

        def ppf(self, q):
            return self.low + np.asarray(q)

    made = sc.plan(projection, prices=BOOK, components=[sc.Fixed("x", monthly=Moving())], draws=100)
    with pytest.raises(PlanError, match=r"plan\.spec would come back from a file otherwise"):
        made.save(tmp_path / "x", kinds=[Moving])
    assert not list(tmp_path.iterdir())


def test_a_thing_that_no_file_can_say_is_told(projection, tmp_path):
    class Law:
        def ppf(self, q):
            return np.asarray(q)

    made = sc.plan(projection, prices=BOOK, components=[sc.Fixed("x", monthly=Law())], draws=100)
    with pytest.raises(PlanError, match=r"components\[0\]\.monthly is a Law .* of which a file cannot say"):
        made.save(tmp_path / "x", kinds=[])
    with pytest.raises(PlanError, match=r"components\[0\]\.monthly is a Law"):
        assert made.fingerprint


# --------------------------------------------------------------------------------------------------------- fingerprints


def test_a_fingerprint_is_of_what_a_plan_says(projection, plan, loaded):
    assert plan.fingerprint == loaded.fingerprint
    assert len(plan.fingerprint) == 64
    assert set(plan.fingerprint) <= set("0123456789abcdef")
    one = sc.plan(projection, prices=BOOK, draws=150, seed=1)
    assert one.fingerprint == sc.plan(projection, prices=BOOK, draws=150, seed=1).fingerprint
    moved = replace(one.projection.usage, source="/elsewhere/export.csv", notes=("read on another day",))
    assert replace(one, projection=replace(one.projection, usage=moved)).fingerprint == one.fingerprint
    others = [
        one.replan(seed=2),
        one.replan(draws=151),
        one.replan(confidence=0.9),
        one.replan(scenario=sc.Scenario("another name")),
        one.replan(components=[sc.Reserve("r", 5)]),
        one.replan(prices=BOOK | fc.PriceBook.blended(1)),
    ]
    assert len({p.fingerprint for p in (one, *others)}) == len(others) + 1


def test_a_fingerprint_sees_a_single_bit_of_a_draw(small):
    money = small.ledger.money.copy()
    money[7, 0, 0] = np.nextafter(money[7, 0, 0], np.inf)
    assert replace(small, ledger=replace(small.ledger, money=money)).fingerprint != small.fingerprint


# ------------------------------------------------------------------------------------------------------------ writing


def test_a_full_disk_leaves_what_stood(small, tmp_path, monkeypatch):
    path = tmp_path / "q1.tokenplan"
    path.write_bytes(b"before")

    def full(self, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(PlanError, match=r"q1\.tokenplan cannot be written: No space left on device"):
            small.save(path)
    assert path.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["q1.tokenplan"]


def test_a_limit_of_the_system_on_the_size_of_files_leaves_what_stood(small, content, tmp_path):
    """A real refusal midway: the system writes the first bytes and no more."""
    path = tmp_path / "q1.tokenplan"
    path.write_bytes(b"before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(content) // 2, hard))
    try:
        with pytest.raises(PlanError, match="cannot be written: File too large"):
            small.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["q1.tokenplan"]


@contextmanager
def as_anyone():
    """As a user whom the system refuses: root is refused nothing."""
    own = os.getuid()
    if own == 0:
        os.setresuid(65_534, 65_534, 0)
    try:
        yield
    finally:
        if own == 0:
            os.setresuid(0, 0, 0)


def test_a_read_only_folder_is_told(small, tmp_path):
    small.save(tmp_path / "loaded")  # all modules are loaded before
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        folder = Path(made) / "kept"
        folder.mkdir()
        (folder / "q1").write_bytes(b"before")
        Path(made).chmod(0o755)
        folder.chmod(0o555)
        with as_anyone(), pytest.raises(PlanError, match=r"q1 cannot be written: the folder .*kept is read-only"):
            small.save(folder / "q1")
        assert (folder / "q1").read_bytes() == b"before"
        assert [p.name for p in folder.iterdir()] == ["q1"]
        folder.chmod(0o755)


def test_a_folder_that_is_missing_and_a_device_are_told(small, tmp_path):
    for path, told in (
        (tmp_path / "nowhere" / "x", "there is no folder"),
        (tmp_path, "it is a folder"),
        (Path("/dev/full"), "it is a device"),
        ("a\0b", "no file's name holds a zero character"),
    ):
        with pytest.raises(PlanError, match=told):
            small.save(path)


def test_what_would_be_taken_for_a_bomb_is_stored_as_it_is(small, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_FREE", 100_000)
    blank = replace(small, untied=np.zeros(100))
    flat = replace(small.projection, usage=replace(small.projection.usage, notes=("x" * 9_000_000,)))
    path = replace(blank, projection=flat).save(tmp_path / "x")
    assert path.stat().st_size > 9_000_000
    assert sc.load_plan(path).projection.usage.notes == flat.usage.notes


def test_a_plan_that_could_not_be_opened_again_is_not_saved(small, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST", 10_000)
    with pytest.raises(PlanError, match="a saved plan takes at most 10,000"):
        small.save(tmp_path / "x")


# ------------------------------------------------------------------------------------------------------- other versions


def test_other_versions_are_told_where_they_differ(small, tmp_path, monkeypatch):
    here = saving.installed()
    path = small.save(tmp_path / "x")
    assert saving.OPENED not in set(sc.load_plan(path).assumptions["topic"])
    for module in ("saving", "loading"):
        monkeypatch.setattr(f"scenarios.saved.{module}.installed", lambda: here | {"numpy": "9.0.0", "scipy": "8.0.0"})
    opened = sc.load_plan(path)
    row = opened.assumptions.iloc[-1]
    assert row["topic"] == saving.OPENED
    assert f"made with numpy {here['numpy']}, opened with numpy 9.0.0" in row["assumption"]
    assert "opened with scipy 8.0.0" in row["assumption"]
    assert "pandas" not in row["assumption"]
    assert opened.totals.tobytes() == small.totals.tobytes()
    assert opened.fingerprint == small.fingerprint
    # Saved again, it still tells who made it, once; and where it was made, nothing.
    again = opened.save(tmp_path / "y")
    assert sc.load_plan(again).assumptions.equals(opened.assumptions)
    monkeypatch.undo()
    assert sc.load_plan(again).assumptions.equals(small.assumptions)


def test_the_manifest_tells_what_it_is(small, content):
    members = members_of(content)
    head = json.loads(members["manifest.json"])
    assert head["schema"] == "tokenplan/saved/1"
    assert (head["draws"], head["seed"], head["as_of"]) == (100, 1, "2026-10-28")
    assert head["fingerprint"] == small.fingerprint
    assert head["made_with"] == saving.installed()
    assert [m["name"] for m in head["members"]] == [n for n in members if n != "manifest.json"]
    assert all(m["sha256"] == hashlib.sha256(members[m["name"]]).hexdigest() for m in head["members"])
    with zipfile.ZipFile(BytesIO(content)) as file:
        assert {info.date_time for info in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_command_keeps_a_plan(tmp_path, capsys):
    days = pd.date_range("2026-07-01", "2026-10-31")
    frame = pd.DataFrame({"date": days, "provider": "openai", "model": "gpt-5", "project": "search"})
    frame.assign(requests=9.0, input_tokens=9e5, output_tokens=1e5).to_csv(tmp_path / "usage.csv", index=False)
    text = '[plan]\nhorizon = "1M"\ndraws = 200\nseed = 3\n[usage]\nfile = "usage.csv"\n'
    (tmp_path / "plan.toml").write_text(text, encoding="utf-8")
    assert main(["plan", str(tmp_path / "plan.toml"), "--save", str(tmp_path / "q1.tokenplan"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    kept = sc.load_plan(tmp_path / "q1.tokenplan")
    assert (kept.budget, kept.base) == (told["budget"], told["base"])
    assert told["files"] == [str(tmp_path / "q1.tokenplan")]
    assert main(["plan", str(tmp_path / "plan.toml"), "--save", str(tmp_path / "no" / "q1")]) != 0
    assert "there is no folder" in capsys.readouterr().err


def test_judgements_by_hand_are_kept(small, tmp_path):
    dearer = sc.Override(
        "a second region", sc.Fixed("gateway", 900), who="platform", why="Frankfurt opens", on="2026-01-02"
    )
    plan = small.replan(overrides=[dearer])
    kept = sc.load_plan(plan.save(tmp_path / "judged.tokenplan"))
    assert (kept.totals == plan.totals).all()
    assert kept.spec.overrides == plan.spec.overrides
    assert kept.fingerprint == plan.fingerprint
    assert (kept.without("a second region").totals == small.totals).all()
