"""Price history as a model: the shipped facts, the fit, the sampled process, and launches, each against a referee."""

import hashlib
import re
import time
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.integrate import quad

import forecast as fc
from forecast.errors import ModelError, PriceError
from forecast.prices.history import (
    calibrate,
    exposure,
    launch_prices,
    launches,
    price_changes,
    price_history,
    records,
    successors,
)
from forecast.prices.history.jumps import DAYS_IN_YEAR
from forecast.prices.history.rates import pooled_rate, share_of_rises, shrunk_rates
from forecast.prices.history.sizes import LARGEST_DOWN, LARGEST_UP, fitted_sizes

FOLDER = Path(records.__file__).parent
#: A correct sampler fails a test of this level once in a thousand seeds; seeds are fixed.
LEVEL = 0.001
#: Standard errors by which a simulated mean may miss its closed form: two-sided probability 6e-5.
ERRORS = 4.0
DRAWS = 20_000
DAYS = pd.date_range("2026-11-28", periods=184)
#: Simulated histories of the coverage tests.
HISTORIES = 200
#: Seconds for 10,000 draws × 184 days × 20 SKUs; asked are about 2, and a machine that is busy takes more.
SECONDS = 6.0


@pytest.fixture(scope="module")
def process():
    return calibrate()


@pytest.fixture(scope="module")
def lively():
    """A process with rates high enough that jumps are many: three made-up vendors, watched for four years."""
    return calibrate(made_up(seed=1, rates={"acme": 1.5, "bolt": 0.5, "coil": 3.0}, skus=12))


def made_up(seed, rates, skus, up=0.4, days=1461):
    """A history by the process itself: SKUs from day one, Poisson changes, log-normal sizes."""
    rng = np.random.default_rng(seed)
    rows = []
    for provider, rate in rates.items():
        for i in range(skus):
            price = 10.0
            rows.append((provider, f"{provider}-{i}", 0, price))
            when = np.sort(rng.uniform(1, days, rng.poisson(rate * days / DAYS_IN_YEAR)))
            for day in when:
                size = np.exp(rng.normal(-0.7, 0.5))
                price *= np.exp(size if rng.uniform() < up else -size)
                rows.append((provider, f"{provider}-{i}", int(day), price))
    table = pd.DataFrame(rows, columns=["provider", "model", "day", "price"])
    table["date"] = pd.Timestamp("2022-01-01") + pd.to_timedelta(table.pop("day"), unit="D")
    table = table.drop_duplicates(["provider", "model", "date"])
    last = pd.DataFrame(
        [("(clock)", "tick", 1.0, pd.Timestamp("2022-01-01") + pd.Timedelta(days=days))], columns=table.columns
    )
    return pd.concat([table, last]).assign(unit="input_tokens", date_kind="effective_from", source="made up", note="")


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
    for law, largest in ((falls, LARGEST_DOWN), (rises, LARGEST_UP)):
        t = stats.t(2 * law.shape, law.middle, law.spread)
        inside = quad(lambda x, t=t: np.exp(x) * t.pdf(x), -60, np.log(largest), limit=200)[0]
        assert law.mean() == pytest.approx(inside + largest * t.sf(np.log(largest)), rel=1e-5)
        assert law.cdf(np.array([0.3])) == pytest.approx(t.cdf(np.log(0.3)))


def test_a_provider_leans_on_the_others_the_less_the_longer_it_was_watched():
    rates = shrunk_rates([0, 0, 30], [1.0, 100.0, 100.0])
    little, much, busy = (r.mean for r in rates.own)
    assert 0 < much < little < rates.other.mean * 1.5
    assert busy == pytest.approx(0.3, rel=0.05)
    one_kind = shrunk_rates([10] * 8, [20.0] * 8)  # no more apart than chance: nearly the common 0.5
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
        found = shrunk_rates([int(k) for k in rng.poisson(true * years)], [float(y) for y in years])
        inside = [r.quantile(0.1) <= t <= r.quantile(0.9) for r, t in zip(found.own, true, strict=True)]
        hits.append(np.mean(inside))
    # one history's providers share a prior: the error is that of 200 means
    assert abs(np.mean(hits) - 0.8) < ERRORS * np.std(hits, ddof=1) / np.sqrt(HISTORIES)


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
    assert any("published ahead" in note for note in calibrate(as_of="2027-02-01").notes)


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
    own = calibrate(provider="openai")
    assert own.of("mistral").rate == own.of("openai").rate
    assert own.of("openai").rate.mean == pytest.approx(calibrate().of("OpenAI").rate.mean)


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


@pytest.mark.parametrize("as_of", ["2026-05-01", "2026-08-25", "2026-10-25"])
def test_fit_as_of_a_date_sees_no_later_row(as_of):
    """Rows dated later are cut out, then scrambled: the fit stays as it is."""
    whole, day = price_history(), pd.Timestamp(as_of)
    expected = calibrate(whole, as_of=as_of)
    later = whole["date"] > day
    assert later.any()
    scrambled = whole.assign(price=whole["price"].where(~later, whole["price"] * 7))
    for history in (whole[~later], scrambled):
        pd.testing.assert_frame_equal(calibrate(history, as_of=as_of).fit, expected.fit)


def test_fit_of_own_rows_as_of_a_date_sees_no_later_row():
    whole = made_up(3, {"acme": 1.0, "bolt": 2.0}, 8)
    early = whole[whole["date"] <= "2024-06-30"]
    found, expected = (calibrate(h, as_of="2024-06-30").fit for h in (early, whole))
    pd.testing.assert_frame_equal(found, expected)


# -------------------------------------------------------------------------------------------------------- the process


def skus_of(*pairs):
    return pd.DataFrame(list(pairs), columns=["provider", "model"])


def test_counts_of_jumps_are_negative_binomial(lively):
    """Poisson with a Gamma rate: NB(shape, b / (b + t)), at several days, in every cell (chi squared)."""
    skus = skus_of(("bolt", "x"))
    rate = lively.of("bolt").rate
    jumps = lively.jumps(skus, DAYS, draws=DRAWS, seed=3)
    for k in (20, 90, 183):
        count = np.bincount(jumps.draw[jumps.day <= k], minlength=DRAWS)
        law = stats.nbinom(rate.shape, rate.years / (rate.years + k / DAYS_IN_YEAR))
        most = int(law.isf(20 / DRAWS))
        expected = DRAWS * np.append(law.pmf(np.arange(most)), law.sf(most - 1))
        seen = np.bincount(np.minimum(count, most), minlength=most + 1)
        assert stats.chisquare(seen, expected).pvalue > LEVEL


def test_means_are_the_closed_forms(lively):
    skus = skus_of(("acme", "a"), ("bolt", "b"), ("coil", "c"), ("dram", "d"))
    jumps = lively.jumps(skus, DAYS, draws=DRAWS, seed=4)
    last = np.log(jumps.factors()[:, -1, :])
    for m, provider in enumerate(skus["provider"]):
        count = np.bincount(jumps.draw[jumps.model == m], minlength=DRAWS)
        for drawn, mean in (
            (count, lively.expected_jumps(provider, 183)),
            (last[:, m], lively.expected_log_factor(provider, 183)),
        ):
            assert abs(drawn.mean() - mean) < ERRORS * drawn.std(ddof=1) / np.sqrt(DRAWS)


def test_sizes_of_single_jumps_have_the_fitted_tails(lively):
    """Each direction's sizes against the Student t of log size, by Kolmogorov and Smirnov: both tails."""
    jumps = lively.jumps(skus_of(("coil", "c")), DAYS, draws=DRAWS, seed=5)
    first = np.unique(jumps.draw, return_index=True)[1]  # one a path: a path's jumps share their parameters
    moves = jumps.log_factor[first]
    share = lively.of("coil").share
    assert stats.binomtest(int((moves > 0).sum()), len(moves), share.mean).pvalue > LEVEL
    for sizes, law in ((-moves[moves < 0], lively.falls), (moves[moves > 0], lively.rises)):
        inside = sizes[sizes < law.largest]
        ceiling = float(law.cdf(np.array([law.largest * (1 - 1e-12)]))[0])
        assert stats.kstest(inside, lambda s, law=law, top=ceiling: law.cdf(s) / top).pvalue > LEVEL
        assert stats.binomtest(len(sizes) - len(inside), len(sizes), 1 - ceiling).pvalue > LEVEL


def test_factors_start_at_1_and_last(lively):
    factors = lively.sample(skus_of(("acme", "a"), ("coil", "c")), DAYS, draws=500, seed=6)
    assert factors.shape == (500, 184, 2)
    assert (factors[:, 0, :] == 1).all()
    moved = (np.diff(factors, axis=1) != 0).sum(axis=1)
    assert 0 < moved.mean() < 5  # else it stays where it is: no noise from day to day


def test_draws_of_a_sku_do_not_depend_on_the_others_or_their_order(lively):
    skus = skus_of(("acme", "a"), ("bolt", "b"), ("coil", "c"))
    whole = lively.sample(skus, DAYS, draws=300, seed=7)
    turned = lively.sample(skus.iloc[::-1], DAYS, draws=300, seed=7)
    np.testing.assert_array_equal(turned[:, :, ::-1], whole)
    alone = lively.sample(skus.iloc[[1]], DAYS, draws=300, seed=7)
    np.testing.assert_array_equal(alone[:, :, 0], whole[:, :, 1])
    shorter = lively.sample(skus, DAYS[:60], draws=300, seed=7)
    np.testing.assert_array_equal(shorter, whole[:, :60])
    other = lively.sample(skus, DAYS, draws=300, seed=8)
    assert (other != whole).any()


def test_units_of_a_model_move_together_and_blocks_are_the_whole(lively):
    skus = skus_of(("Acme", "A"), ("acme", "a"), ("bolt", "b")).assign(
        unit=["input_tokens", "output_tokens", "input_tokens"]
    )
    jumps = lively.jumps(skus, DAYS, draws=101, seed=9)
    whole = jumps.factors()
    np.testing.assert_array_equal(whole[:, :, 0], whole[:, :, 1])
    np.testing.assert_array_equal(np.concatenate([jumps.factors(0, 40), jumps.factors(40, 200)]), whole)
    assert "101 paths" in repr(jumps)


def test_models_of_a_provider_share_a_paths_rate(lively):
    """Cov(N_a, N_b) = Var(λ) t² for two models of one provider; 0 for two providers."""
    skus = skus_of(("dram", "a"), ("dram", "b"), ("echo", "c"))
    jumps = lively.jumps(skus, DAYS, draws=DRAWS, seed=10)
    count = [np.bincount(jumps.draw[jumps.model == m], minlength=DRAWS).astype(float) for m in range(3)]
    rate, t = lively.other.rate, 183 / DAYS_IN_YEAR
    for (a, b), expected in (((0, 1), rate.shape / rate.years**2 * t**2), ((0, 2), 0.0)):
        product = (count[a] - count[a].mean()) * (count[b] - count[b].mean())
        assert abs(product.mean() - expected) < ERRORS * product.std() / np.sqrt(DRAWS)


BOOK = pd.DataFrame(
    [
        ("acme", "a", "input_tokens", "2.00", "2026-01-01"),
        ("acme", "a", "output_tokens", "10.00", "2026-01-01"),
        ("acme", "a", "input_tokens", "4.00", "2027-01-01"),
        ("acme", "a", "output_tokens", "20.00", "2027-01-01"),
    ],
    columns=["provider", "model", "unit", "price", "valid_from"],
)


def test_known_changes_hold_exactly_and_are_not_doubled(lively):
    """On 1 January 2027 the book says 4.00: every draw pays 4.00 that day, jumps before are gone, later ones count."""
    book = fc.PriceBook.from_frame(BOOK)
    skus = skus_of(("acme", "a"), ("bolt", "b")).assign(unit="input_tokens")
    day = int(np.flatnonzero(pd.Timestamp("2027-01-01") == DAYS)[0])
    free = lively.sample(skus, DAYS, draws=2_000, seed=11)
    held = lively.sample(skus, DAYS, draws=2_000, seed=11, known=book)
    priced = held[:, :, 0] * book.matrix(skus.iloc[[0]], DAYS)[:, 0] * 1e6
    assert (free[:, day, 0] != 1).any()
    np.testing.assert_array_equal(priced[:, day], 4.0)
    np.testing.assert_array_equal(held[:, :day, 0], free[:, :day, 0])
    np.testing.assert_allclose(held[:, day:, 0], free[:, day:, 0] / free[:, day : day + 1, 0], rtol=1e-12)
    np.testing.assert_array_equal(held[:, :, 1], free[:, :, 1])  # another model is as it was


def test_a_row_that_repeats_the_price_sets_it_anew(lively):
    again = BOOK.assign(price=["2.00", "10.00", "2.00", "10.00"])
    skus = skus_of(("acme", "a"))
    held = lively.sample(skus, DAYS, draws=2_000, seed=11, known=fc.PriceBook.from_frame(again))
    day = int(np.flatnonzero(pd.Timestamp("2027-01-01") == DAYS)[0])
    assert (held[:, day - 1, 0] != 1).any()
    assert (held[:, day, 0] == 1).all()


def test_builtin_step_up_of_january_is_exact(process):
    """gemini-3.6-flash doubles on 2027-01-01 in the built-in book: 0.75 to 1.50 in every draw."""
    book = fc.PriceBook.builtin()
    skus = skus_of(("google", "gemini-3.6-flash")).assign(unit="input_tokens")
    factor = process.sample(skus, DAYS, draws=4_000, seed=1, known=book)
    price = factor[:, :, 0] * book.matrix(skus, DAYS)[:, 0] * 1e6
    day = int(np.flatnonzero(pd.Timestamp("2027-01-01") == DAYS)[0])
    assert price[0, 0] == pytest.approx(0.75)
    np.testing.assert_allclose(price[:, day], 1.50, rtol=1e-12)


def test_skus_and_days_are_checked(process):
    skus = skus_of(("openai", "gpt-5"))
    with pytest.raises(PriceError, match="column 'provider' is missing"):
        process.sample(skus[["model"]], DAYS, draws=1, seed=0)
    with pytest.raises(PriceError, match="days must rise"):
        process.sample(skus, DAYS[::-1], draws=1, seed=0)
    with pytest.raises(PriceError, match="days must rise"):
        process.sample(skus, DAYS, draws=1, seed=0, as_of=date(2026, 12, 24))
    with pytest.raises(PriceError, match="draws 0"):
        process.sample(skus, DAYS, draws=0, seed=0)
    with pytest.raises(PriceError, match="no rows"):
        process.sample(skus.iloc[:0], DAYS, draws=1, seed=0)


def test_a_year_of_twenty_skus_is_quick(process):
    skus = skus_of(*((p, f"m{i}") for i in range(5) for p in ("openai", "google", "mistral", "deepseek")))
    begun = time.perf_counter()
    factors = process.sample(skus, DAYS, draws=10_000, seed=1)
    assert time.perf_counter() - begun < SECONDS
    assert factors.shape == (10_000, 184, 20)


# ------------------------------------------------------------------------------------------------------------ launches


def test_successors_by_hand():
    table = successors().set_index("successor")
    assert table.loc["gpt-4o-2024-08-06", "ratio"] == pytest.approx(4.375 / 7.5)
    assert table.loc["gpt-4o-2024-08-06", "days"] == 85  # 13 May to 6 August 2024
    assert table.loc["gpt-5.4-nano", "predecessor"] == "gpt-5-nano"  # and not gpt-5-mini of the same day
    # gemini-3-flash-preview was listed at 0.15 / 0.60 and put right to 0.50 / 3.00 on the same day: 3.375 / 1.125
    assert table.loc["gemini-3.5-flash", "ratio"] == pytest.approx(3.0)
    assert list(launches().loc[launches()["corrected"], "model"]) == ["gemini-3-flash-preview"]
    assert len(table) == 17
    assert successors(as_of="2025-09-01")["launched"].max() <= pd.Timestamp("2025-09-01")


def test_launches_come_as_lomax_and_prices_as_seen():
    fitted = launch_prices()
    drawn = fitted.sample_launch("openai", "flagship", draws=DRAWS, seed=2)
    rate = fitted.rate("openai", "flagship")
    lomax = stats.lomax(rate.shape, scale=rate.years * DAYS_IN_YEAR)
    assert stats.kstest(drawn.days, lomax.cdf).pvalue > LEVEL
    # every past ratio is equally likely, for the weights average to 1/17 each
    values, seen = np.unique(drawn.price_ratio.round(9), return_counts=True)
    ratios, times = np.unique(np.round(fitted.ratios, 9), return_counts=True)
    np.testing.assert_allclose(values, ratios)
    assert stats.chisquare(seen, DRAWS * times / times.sum()).pvalue > LEVEL
    assert fitted.rate("nobody", "flagship") == fitted.other
    assert "17 successions" in repr(fitted)
    assert "<table" in fitted._repr_html_()
    openai = fitted.fit.set_index(["provider", "tier"]).loc[("openai", "flagship")]
    assert openai["successions"] == 6
    assert openai["rate_p10"] < openai["rate"] < openai["rate_p90"]


def test_launches_see_no_later_row_and_refuse_too_little():
    table = launches()
    early = table[table["launched"] <= "2025-12-31"]
    pd.testing.assert_frame_equal(
        launch_prices(early, as_of="2025-12-31").fit, launch_prices(table, as_of="2025-12-31").fit
    )
    with pytest.raises(ModelError, match="take a later as_of"):
        launch_prices(as_of="2024-05-13")
    with pytest.raises(PriceError, match="column 'blended' is missing"):
        successors(table.drop(columns="blended"))


def test_public_names():
    assert fc.calibrate_prices is calibrate
    assert fc.price_history is price_history
    assert isinstance(calibrate(), fc.PriceProcess)
