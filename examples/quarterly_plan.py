"""The plan of the two quarters ahead, from an export to what finance signs.

    python examples/quarterly_plan.py [USAGE] [POLICY.toml] [OUT]

Writes the plan into OUT and leaves with 0; with 4, as ``tokenplan check`` does, where the plan breaks the policy or is
more likely than not to cost more than what was granted.
"""

import sys
from pathlib import Path

import forecast as fc
import scenarios as sc

HERE = Path(__file__).parent
GRANTED = 700_000  # USD for the two quarters
SEED = 7


def main(usage_file: Path, policy_file: Path, out: Path) -> int:
    """Read, plan, compare, hand over, and say whether anyone has to look."""
    out.mkdir(parents=True, exist_ok=True)
    prices = fc.PriceBook.builtin()
    projection = fc.project(fc.read_usage(usage_file), horizon="2Q", seed=SEED)

    growth = sc.Growth(monthly=sc.between(0.01, 0.04))  # P10 to P90, agreed with the product teams
    cut = sc.PriceChange(model="gpt-5*", on="2027-02-01", by=sc.between(-0.4, -0.2), probability=0.5)
    batches = sc.Batch(model="gemini-*", share=sc.between(0.2, 0.4), on="2027-01-15", ramp=30)
    expected = sc.Scenario("expected", [growth, cut])
    plan = sc.plan(
        projection,
        prices=prices,
        scenario=expected,
        components=[sc.Fixed("base infrastructure", monthly=12_000), sc.Reserve("emergency scaling", 20_000)],
        split=sc.EnvironmentSplit(development=(0.15, 0.20), production=(0.60, 0.70)),
        confidence=0.80,
        seed=SEED,
    )
    compared = sc.compare(
        projection, [sc.Scenario("batches", [growth, cut, batches])], base=expected, prices=prices, seed=SEED
    )

    plan.to_excel(out / "plan.xlsx")
    plan.to_html(out / "plan.html")
    plan.to_csv(out / "plan.csv")
    plan.to_budgets(out / "litellm.json", "litellm")  # the limits that a gateway enforces
    plan.save(out / "plan.tokenplan")  # what reviews are held against: sc.load_plan
    compared.table().to_csv(out / "scenarios.csv")

    checked = sc.check(plan, sc.load_policy(policy_file))
    over, cheaper = plan.probability_over(GRANTED), compared.probability_cheaper("batches")
    saving = -compared.delta("batches").mean()
    print(
        f"{plan.currency} {plan.budget:,.0f} holds the two quarters in {plan.confidence:.0%} of futures: "
        f"{plan.base:,.0f} and {plan.contingency:,.0f} of contingency; {plan.funding:,.0f} with reserves. More than "
        f"the {GRANTED:,} granted is spent with a probability of {over:.0%}. Batches save {saving:,.0f} on average, "
        f"and cost less in {cheaper:.0%} of futures. Budget by environment:\n\n"
        f"{plan.table('environment')[['demand_share', 'budget']].round(2).to_string()}\n"
    )
    if not checked.ok:
        print(f"The policy is broken:\n\n{checked.table().to_string(index=False)}", file=sys.stderr)
    return 4 if over > 0.5 or not checked.ok else 0


if __name__ == "__main__":
    defaults = [HERE.parent / "data/samples/organisation_daily.csv", HERE / "policy.toml", Path("out/quarter")]
    given = [Path(argument) for argument in sys.argv[1:]]
    try:
        sys.exit(main(*given, *defaults[len(given) :]))
    except fc.TokenplanError as error:  # its message says what to do
        sys.exit(f"error: {error}")
