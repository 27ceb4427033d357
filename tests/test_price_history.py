"""Past prices: the shipped facts with their filters, exposure, and the fit, each against a referee."""

import hashlib
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.integrate import quad

import forecast as fc
from forecast.errors import ModelError, PriceError
from forecast.prices.history import calibrate, exposure, launches, price_changes, price_history, records
from forecast.prices.history.rates import pooled_rate, share_of_rises, shrunk_rates
from forecast.prices.history.sizes import LARGEST_DOWN, LARGEST_UP, fitted_sizes
from tests.price_histories import made_up

FOLDER = Path(records.__file__).parent
#: A correct fit fails a test of this level once in a thousand seeds; seeds are fixed.
LEVEL = 0.001
#: Standard errors by which a simulated mean may miss its closed form: two-sided probability 6e-5.
ERRORS = 4.0
#: Simulated histories of the coverage tests.
HISTORIES = 200


@pytest.fixture(scope="module")
def process():
    return calibrate()


# ------------------------------------------------------------------------------------------------ the shipped history


def test_shipped_files_are_the_ones_that_their_sources_page_names():
    page = (FOLDER / "SOURCES.md").read_text(encoding="utf-8")
    found = dict(re.findall(r"\| (\S+\.csv) \|.*\| ([0-9a-f]{64}) \|", page))
    assert found == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.glob("*.csv")}


def test_history_is_tidy_and_loses_no_price():
    raw = pd.read_csv(FOLDER / "price_history.csv", dtype=str)
    table = price_history()
    cells = [c for c in raw.columns if c.endswith("usd_per_mtok")]
    assert len(raw) == 1400
    assert len(table) == raw[cells].notna().sum().sum()
    told = sum((Decimal(v) for c in cells for v in raw[c].dropna()), Decimal(0))
    assert float(table["price"].sum()) == pytest.approx(float(told), rel=1e-12)
    o3 = table[(table["model"] == "o3") & (table["unit"] == "input_tokens") & (table["date"] == "2025-06-10")]
    assert set(o3["price"]) == {2.0}
    assert set(table["date_kind"]) == set(records.DATE_KINDS)


def test_history_filters_by_how_far_dates_can_be_trusted_and_refuses_others():
    table = price_history(date_kinds=["effective_from"], providers=["openai"])
    assert set(table["date_kind"]) == {"effective_from"}
    assert set(table["provider"]) == {"openai"}
    with pytest.raises(PriceError, match="did you mean 'effective_from'"):
        price_history(date_kinds=["effective_form"])
    with pytest.raises(PriceError, match="did you mean 'openai'"):
        price_history(providers=["opnai"])
    with pytest.raises(PriceError, match="seller 'maker' is not known"):
        price_changes(sellers=["maker"])


def test_history_of_a_callers_is_not_changed():
    mine = price_history()
    before = mine.copy(deep=True)
    price_changes(mine)
    calibrate(mine)
    pd.testing.assert_frame_equal(mine, before)


def test_a_price_in_the_note_is_the_one_of_the_row_before():
    """The sources write down the old price; it is the previous row's, except where that row was itself corrected."""
    table = price_changes(date_kinds=["changed_between_snapshots"])
    raw = pd.read_csv(FOLDER / "price_history.csv", dtype={"date": str})
    raw = raw[raw["date_kind"] == "changed_between_snapshots"]
    told = raw["note"].str.extract(r"was \(([\d.]+), ([\d.]+)\)").astype(float)
    expected = np.sort((0.75 * told[0] + 0.25 * told[1]).to_numpy())
    np.testing.assert_allclose(np.sort(table["old"].to_numpy()), expected, rtol=1e-6)


def test_changes_2024_to_2025_08_are_the_known_17():
    """Filter: snapshots of vendors' own lists, without names that move on (*-latest), by 2025-08-13.

    Published for this span: 17 changes in 108.7 SKU-years (0.16), 15 down, median -65 %. The count and the direction
    are those; the median is -75 % on the blended price. The rows do not say when a SKU left the lists, so taking each
    to stay gives 128.5 SKU-years (0.13); with aliases, one change counted once for names that move together, the
    median is -64 %.
    """
    filters = {"date_kinds": ["changed_between_snapshots"], "sellers": ["vendor"]}
    table = price_changes(**filters, aliases=False)
    table = table[table["by"] <= "2025-08-13"]
    assert table["direction"].value_counts().to_dict() == {"down": 15, "up": 2}
    # 1.5-flash: ¾·0.075 + ¼·0.30 = 0.13125 after ¾·0.35 + ¼·1.05 = 0.525: a quarter, and the middle one of 15
    assert table.loc[table["direction"] == "down", "factor"].median() == pytest.approx(0.13125 / 0.525)
    years = exposure(start="2024-01-01", end="2025-08-13", families=["litellm"], aliases=False)["years"].sum()
    assert years == pytest.approx(128.5, abs=0.05)
    together = price_changes(**filters)
    together = together[together["by"] <= "2025-08-13"].drop_duplicates(["provider", "by", "old", "new"])
    downs = together.loc[together["direction"] == "down", "factor"]
    assert (len(together), len(downs)) == (18, 16)
    assert downs.median() == pytest.approx(0.358, abs=0.001)


def test_effective_dates_alone_show_no_change_before_2025_06():
    table = price_changes(date_kinds=["effective_from"])
    priced = table[table["direction"].isin(["up", "down"])]
    assert priced["by"].min() == pd.Timestamp("2025-06-10")
    everything = price_changes()
    assert (everything["by"] <= "2025-08-31").sum() > 17


def test_changes_since_2025_06_go_both_ways():
    """Filter: effective dates of the newest list, vendors and clouds.

    Published: 12 down (median -39 %), 16 up (median +100 %, 8 of them published step-ups). Here 12 down, median
    between the 6th and 7th, and 17 up: one model listed by two vendors of one house (GLM-5.3-Flash) counts twice.
    """
    table = price_changes(date_kinds=["effective_from"], sellers=["vendor", "cloud"])
    table = table[(table["family"] == "genai-prices") & table["direction"].isin(["up", "down"])]
    downs, ups = (np.log(table.loc[table["direction"] == way, "factor"]) for way in ("down", "up"))
    assert (len(downs), len(ups)) == (12, 17)
    assert np.expm1(downs.median()) == pytest.approx(-0.39, abs=0.005)
    assert np.expm1(ups.median()) == pytest.approx(1.0, abs=1e-9)
    assert int(table["published"].sum()) == 8
    assert set(table.loc[table["published"], "direction"]) == {"up"}


def test_router_prices_go_up_more_often_than_down():
    """Published: about 0.9 changes a model-year, 64 % up. The share is reproduced; a rate is refused (see below)."""
    table = price_changes(date_kinds=["effective_from"], sellers=["router"])
    table = table[(table["family"] == "genai-prices") & table["direction"].isin(["up", "down"])]
    assert (table["direction"] == "up").mean() == pytest.approx(0.64, abs=0.01)


def test_flagship_fell_by_63_percent_a_year_and_then_tripled():
    """Published: 37.5 (March 2023) to 3.44 (August 2025), about -63 % a year, then 11.25 (April 2026).

    gpt-4 at 30 and 60 a million (14 March 2023): ¾·30 + ¼·60 = 37.5. The other two are launch prices by tier.
    """
    gpt4 = price_history(providers=["openai"]).query("model == 'gpt-4' and date_kind == 'observed_by'")
    price = gpt4.set_index("unit")["price"]
    first = 0.75 * price["input_tokens"] + 0.25 * price["output_tokens"]
    later = launches().set_index("model")["blended"]
    assert (first, later["gpt-5"], later["gpt-5.5"]) == (37.5, 3.4375, 11.25)
    years = (pd.Timestamp("2025-08-07") - pd.Timestamp("2023-03-14")).days / 365.25
    assert (later["gpt-5"] / first) ** (1 / years) - 1 == pytest.approx(-0.63, abs=0.005)


# ------------------------------------------------------------------------------------------- exposure, by hand


def test_exposure_is_cut_to_the_window_and_counts_from_the_first_sight():
    rows = [
        ("acme", "old", "2023-01-01", 4.0),  # before the window: counts from its start, 366 days
        ("acme", "new", "2024-07-01", 4.0),  # 2024-07-01 to 2025-01-01: 184 days
        ("acme", "late", "2025-06-01", 4.0),  # after the window
    ]
    table = pd.DataFrame(rows, columns=["provider", "model", "date", "price"])
    table = table.assign(unit="input_tokens", date_kind="effective_from")
    found = exposure(table, start="2024-01-01", end="2025-01-01").set_index("model")["years"]
    assert found["old"] == 366 / 365.25
    assert found["new"] == 184 / 365.25
    assert "late" not in found
    short = exposure(table, start="2024-01-01", end="2025-01-01", until="last_row").set_index("model")["years"]
    assert short.sum() == 0


def test_exposure_leaves_out_who_is_recorded_only_when_it_changes():
    every = exposure(start="2025-06-01", end="2026-11-09", sellers=None)
    assert {"openrouter", "aws", "avian"}.isdisjoint(every["provider"])
    listed = exposure(start="2025-06-01", end="2026-11-09", date_kinds=["effective_from"])
    assert "alibaba" in set(every["provider"])
    assert "alibaba" not in set(listed["provider"])  # no effective date of it is recorded: nobody watched


def test_embeddings_without_an_output_price_do_not_change_when_it_is_written_as_0():
    table = price_changes(date_kinds=["repo_commit_date"])
    assert set(table.loc[table["model"].str.startswith("text-embedding"), "direction"]) == {"same"}
    free = table[table["model"] == "glm-5"]
    assert set(free["direction"]) == {"unknown"}
    assert free["factor"].isna().all()


# ------------------------------------------------------------------------------------------------------------ the fit


def test_posteriors_are_the_textbook_ones():
    rate = pooled_rate(16, 363.3)  # Gamma(16.5, 363.3)
    for q in (0.05, 0.5, 0.95):
        assert rate.quantile(q) == pytest.approx(stats.gamma(16.5, scale=1 / 363.3).ppf(q), rel=1e-10)
    share = share_of_rises(8, 24)
    assert (share.ups, share.downs) == (8.5, 24.5)
    leaning = share_of_rises(1, 0, prior=share)  # 4 · 8.5/33 + 1, 4 · 24.5/33
    assert leaning.ups == pytest.approx(4 * 8.5 / 33 + 1)
    assert leaning.downs == pytest.approx(4 * 24.5 / 33)


def test_sizes_are_conjugate_and_their_mean_is_the_integral():
    moves = [-0.5, -1.0, -2.0, 0.25, 0.8]
    falls, rises = fitted_sizes(moves)
    z, both = np.log([0.5, 1.0, 2.0]), np.log([0.5, 1.0, 2.0, 0.25, 0.8]).mean()
    # Gelman et al. (3.3): κ = 1 + 3, α = 2 + 3/2, β = 1 + ½ Σ(z - z̄)² + ½ · 1·3/4 (z̄ - m)²
    assert falls.middle == pytest.approx((both + z.sum()) / 4)
    assert falls.shape == 3.5
    assert falls.scale == pytest.approx(1 + ((z - z.mean()) ** 2).sum() / 2 + 3 / 8 * (z.mean() - both) ** 2)
    assert falls.spread == pytest.approx(np.sqrt(falls.scale * 5 / (3.5 * 4)))  # β (κ + 1) / (α κ)
    middle, sd = falls.parameters(np.random.default_rng(0), 50_000)
    drawn = middle + sd * np.random.default_rng(1).standard_normal(50_000)
    assert stats.kstest(drawn, stats.t(7, falls.middle, falls.spread).cdf).pvalue > LEVEL
    for law, largest in ((falls, LARGEST_DOWN), (rises, LARGEST_UP)):
        t = stats.t(2 * law.shape, law.middle, law.spread)
        inside = quad(lambda x, t=t: np.exp(x) * t.pdf(x), -60, np.log(largest), limit=200)[0]
        assert law.mean() == pytest.approx(inside + largest * t.sf(np.log(largest)), rel=1e-5)
        assert law.cdf(np.array([0.3])) == pytest.approx(t.cdf(np.log(0.3)))


def test_a_provider_leans_on_the_others_the_less_the_longer_it_was_watched():
    rates = shrunk_rates([[0], [0], [30]], [[1.0], [100.0], [100.0]], even=True)
    little, much, busy = (r.mean for r in rates.own)
    assert 0 < much < little < rates.other.mean * 1.5
    assert busy == pytest.approx(0.3, rel=0.05)
    one_kind = shrunk_rates([[10]] * 8, [[20.0]] * 8, even=True)  # no more apart than chance: nearly the common 0.5
    assert all(r.mean == pytest.approx(0.5, rel=0.05) for r in one_kind.own)


def test_pooled_interval_covers_the_rate_as_often_as_it_says():
    """200 histories of 30 SKU-years at 0.4 a year: the 80 % interval's count of hits lies in its binomial range."""
    hits = 0
    for seed in range(HISTORIES):
        n = np.random.default_rng(seed).poisson(0.4 * 30)
        rate = pooled_rate(int(n), 30.0)
        hits += rate.quantile(0.1) <= 0.4 <= rate.quantile(0.9)
    assert stats.binomtest(hits, HISTORIES, 0.8).pvalue > LEVEL


def test_providers_intervals_cover_their_rates_as_often_as_they_say():
    """Rates that differ by provider, Gamma(2, 10): P10 to P90 of each shrunk posterior, 8 providers a history."""
    hits = []
    for seed in range(HISTORIES):
        rng = np.random.default_rng(10_000 + seed)
        true, years = rng.gamma(2, 1 / 10, 8), rng.uniform(2, 60, 8)
        found = shrunk_rates(rng.poisson(true * years)[:, None], years[:, None], even=True)
        inside = [r.quantile(0.1) <= t <= r.quantile(0.9) for r, t in zip(found.own, true, strict=True)]
        hits.append(np.mean(inside))
    # one history's providers share a prior: the error is that of 200 means
    assert abs(np.mean(hits) - 0.8) < ERRORS * np.std(hits, ddof=1) / np.sqrt(HISTORIES)


def test_counts_of_a_spell_to_come_are_foreseen_as_often_as_they_say():
    """Spells of Gamma(0.8, 0.8), four seen and one to come: where its count lies under its law, evenly from 0 to 1."""
    inside = []
    for seed in range(80):
        rng = np.random.default_rng(20_000 + seed)
        rate = rng.gamma(2, 1 / 5, (8, 1)) * rng.gamma(0.8, 1 / 0.8, (8, 5))
        years = np.repeat(rng.uniform(2, 30, (8, 1)), 5, axis=1)
        n = rng.poisson(rate * years)
        found = shrunk_rates(n[:, :4], years[:, :4])
        for one, count, span in zip(found.own, n[:, 4], years[:, 4], strict=True):
            law = stats.nbinom(one.ahead.shape, one.ahead.years / (one.ahead.years + span))
            place = law.cdf(count - 1) + rng.uniform() * law.pmf(count)
            inside.append(0.1 <= place <= 0.9)
    assert abs(np.mean(inside) - 0.8) < 0.06  # 640 places: 3 standard errors of 0.016, and 0.01 for equal moments


def test_a_spell_to_come_has_the_variance_of_a_product():
    """Var(λ v) = E[λ²] E[v²] - E[λ]²; with even spells it is the long run itself."""
    rates = shrunk_rates([[0, 6], [3, 0], [2, 2]], [[10.0, 10.0]] * 3)
    for one in rates.own:
        square = one.shape * (one.shape + 1) / one.years**2
        assert one.spells > 0.05
        assert one.ahead.mean == pytest.approx(one.mean)
        variance = one.ahead.shape / one.ahead.years**2
        assert variance == pytest.approx(square * (1 + one.spells) - one.mean**2)
    even = shrunk_rates([[6], [3]], [[20.0], [20.0]], even=True).own[0]
    assert even.ahead.shape == pytest.approx(even.shape, rel=1e-6)


def test_fit_recovers_the_process_from_histories_that_it_made():
    """Through the whole door: rates, share of rises and sizes of 40 made-up histories, mean error against its error."""
    up, median = [], []
    covered = 0
    for seed in range(40):
        fitted = calibrate(made_up(seed, {"acme": 1.0, "bolt": 1.0}, skus=6, days=731))
        covered += fitted.pooled.rate.quantile(0.1) <= 1.0 <= fitted.pooled.rate.quantile(0.9)
        up.append(fitted.pooled.share.mean - 0.4)
        median.append(np.log(fitted.falls.median) + 0.7)
    assert stats.binomtest(covered, 40, 0.8).pvalue > LEVEL
    for errors in (up, median):
        assert abs(np.mean(errors)) < ERRORS * np.std(errors, ddof=1) / np.sqrt(len(errors)) + 0.02  # the weak priors


def test_fit_is_shown(process):
    table = process.fit
    openai = table.set_index("provider").loc["openai"]
    assert openai["changes"] == 4  # o3, gpt-5.6-luna, -sol and -terra
    assert openai["rate_p10"] < openai["rate"] < openai["rate_p90"]
    assert list(table["provider"].tail(2)) == ["(any other)", "(all)"]
    assert table["sku_years"].iloc[:-1].sum() == pytest.approx(table["sku_years"].iloc[-1])
    assert table["changes"].iloc[:-1].sum() == table["changes"].iloc[-1]
    assert "effective_from of vendors" in table["filter"].iloc[0]
    assert "16 changes" in repr(process)
    assert "<table" in process._repr_html_()
    assert process.published == 8
    later = calibrate(as_of="2027-02-01")  # the step-ups of January have come: still known, and no jumps
    assert "left out: 8 that are published ahead" in later.notes
    assert later.pooled.rate.changes == process.pooled.rate.changes


@pytest.mark.parametrize("what", ["sizes", "rates"])
def test_fit_is_drawn(process, what):
    ax = process.plot(what)
    lines = [line.get_ydata() for line in ax.get_lines()]
    assert ax.get_title()
    assert len(lines) >= 3
    if what == "sizes":
        assert np.max([np.max(y) for y in lines if len(y) > 2]) <= 100 + 1e-9
    with pytest.raises(PriceError, match="did you mean 'rates'"):
        process.plot("rate")


def test_a_provider_without_a_history_borrows_openly():
    fitted = calibrate(provider="nobody")
    assert any("nobody was not watched" in note for note in fitted.notes)
    assert fitted.of("openai").rate == fitted.other.rate
    assert any("openrouter is a router" in note for note in calibrate(provider="openrouter").notes)
    own = calibrate(provider="openai")
    assert own.of("mistral").rate == own.of("openai").rate
    assert own.of("openai").rate.mean == pytest.approx(calibrate().of("OpenAI").rate.mean)


def test_a_change_on_the_first_day_is_the_first_spells():
    """o3 fell on 2025-06-10: watched from that day on, it still counts, for its provider as for all."""
    table = calibrate(start="2025-06-10").fit
    assert table["changes"].iloc[:-1].sum() == table["changes"].iloc[-1] == 16


def test_a_change_that_two_lists_tell_counts_once():
    """o3 fell on 2025-06-10, and between the snapshots of 2025-06-09 and 2025-08-13: one change."""
    kinds = ("effective_from", "changed_between_snapshots")
    both = calibrate(date_kinds=kinds, as_of="2025-08-13")
    snapshots = calibrate(date_kinds=kinds[1:], as_of="2025-08-13")
    assert both.pooled.rate.changes == snapshots.pooled.rate.changes
    assert "left out: 1 that another list dates better" in both.notes


def test_what_the_data_cannot_say_is_refused():
    with pytest.raises(ModelError, match="no SKU-year was watched"):
        calibrate(sellers=["router"])
    with pytest.raises(ModelError, match="no price changed in"):
        calibrate(provider="google", pool=False)
    with pytest.raises(ModelError, match=r"changes of price say too little about sizes"):
        calibrate(provider="deepseek", pool=False)
    with pytest.raises(ModelError, match="is not in the history; did you mean 'openai'"):
        calibrate(provider="opnai", pool=False)
    with pytest.raises(PriceError, match="needs a provider"):
        calibrate(pool=False)
    with pytest.raises(ModelError, match="take a later as_of"):
        calibrate(as_of="2024-01-01")
    with pytest.raises(PriceError, match="column 'unit' is missing"):
        calibrate(price_history()[["provider", "model"]])
    bad = made_up(0, {"acme": 1.0}, 2).assign(price=-1.0)
    with pytest.raises(PriceError, match="column 'price' holds what is not a price: row 0: provider=acme"):
        calibrate(bad)
    twice = made_up(0, {"acme": 1.0}, 2)
    with pytest.raises(PriceError, match="two prices of one unit on one day: row"):
        calibrate(pd.concat([twice, twice.iloc[:1]]))
    with pytest.raises(PriceError, match="column 'model' is blank: row 0"):
        calibrate(twice.assign(model=None))
    with pytest.raises(PriceError, match="column 'date' holds what is not a day: row 0: provider=acme"):
        calibrate(twice.assign(date="soon"))


@pytest.mark.parametrize("as_of", ["2026-05-01", "2026-08-25", "2026-10-25"])
def test_fit_as_of_a_date_sees_no_later_row(as_of):
    """Rows dated later are cut out, then scrambled: the fit stays as it is."""
    whole, day = price_history(), pd.Timestamp(as_of)
    expected = calibrate(whole, as_of=as_of)
    later = whole["date"] > day
    assert later.any()
    scrambled = whole.assign(price=whole["price"].where(~later, whole["price"] * 7))
    sku = ["family", "provider", "model"]
    told = pd.MultiIndex.from_frame(whole.loc[whole["date_kind"].eq("effective_from") & ~later, sku])
    untold = whole["date"].isna() & ~pd.MultiIndex.from_frame(whole[sku]).isin(
        told
    )  # that a change comes is no news yet
    assert untold.any()
    for history in (whole[~later], whole[~later & ~untold], scrambled):
        pd.testing.assert_frame_equal(calibrate(history, as_of=as_of).fit, expected.fit)


def test_fit_of_own_rows_as_of_a_date_sees_no_later_row():
    whole = made_up(3, {"acme": 1.0, "bolt": 2.0}, 8)
    early = whole[whole["date"] <= "2024-06-30"]
    found, expected = (calibrate(h, as_of="2024-06-30").fit for h in (early, whole))
    pd.testing.assert_frame_equal(found, expected)


def test_public_names():
    assert fc.calibrate_prices is calibrate
    assert fc.price_history is price_history
    assert isinstance(calibrate(), fc.PriceProcess)
