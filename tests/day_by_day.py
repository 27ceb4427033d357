"""The referee of bills: a contract billed day by day in exact fractions, with none of the library's arithmetic.

Comes in: one path of usage by period, and rules, of which it reads the terms. Goes out: each line by period, exactly.
Slow and plain on purpose: every rule is its sentence, for one day.
"""

from calendar import monthrange
from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction

from forecast.prices.billing import (
    Allowance,
    Commitment,
    Credits,
    Discount,
    Provisioned,
    Seats,
    SpendTiers,
    Tax,
)

DAY = timedelta(days=1)
FAR = date(9999, 12, 30)
ORDER = (Provisioned, (Discount, SpendTiers), (Seats, Allowance), Commitment, Credits, Tax)
CHARGES = ("usage", "capacity", "fee")


def months_later(day, months):
    number = day.year * 12 + day.month - 1 + months
    year, month = divmod(number, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def of_month(day):
    return Fraction(1, monthrange(day.year, day.month)[1])


def window(rule, day, first, last):
    """The window that a day lies in: its first day, and the day after its last."""
    if rule.window == "term":
        return rule.start or first, (rule.end or last) + DAY
    size = {"month": 1, "quarter": 3, "year": 12}[rule.window]
    origin = rule.start or date(1970, 1, 1)
    k = ((day.year - origin.year) * 12 + day.month - origin.month) // size
    if months_later(origin, k * size) > day:
        k -= 1
    return months_later(origin, k * size), months_later(origin, (k + 1) * size)


def days(begin, after):
    while begin < after:
        yield begin
        begin += DAY


def months(begin, after):
    return sum((of_month(day) for day in days(begin, after)), Fraction(0))


class DayByDay:
    """One path, billed."""

    def __init__(self, usage, periods, rules, quantities=None):
        self.first, self.last = periods[0][0], periods[-1][1]
        self.lines = defaultdict(lambda: [Fraction(0)] * len(periods))
        self.memory = {}
        self.counts = {}
        for i, (begin, end) in enumerate(periods):
            length = (end - begin).days + 1
            for day in days(begin, end + DAY):
                self.counts[day] = {n: Fraction(q[i]) for n, q in (quantities or {}).items()}
        for i, (begin, end) in enumerate(periods):
            length = (end - begin).days + 1
            for day in days(begin, end + DAY):
                flow = {n: Fraction(q[i]) / length for n, q in (quantities or {}).items()}
                self.today, self.flow = defaultdict(Fraction, usage=Fraction(usage[i]) / length), flow
                self.put("usage", self.today["usage"], None, i)
                for stage in ORDER:
                    for rule in (r for r in rules if isinstance(r, stage)):
                        getattr(self, type(rule).__name__.lower())(rule, day, i)

    def put(self, name, money, group, i):
        self.lines[name][i] += money
        if group is not None:
            self.today[group] += money

    @staticmethod
    def holds(rule, day):
        return (rule.start or date(1, 1, 1)) <= day <= (rule.end or FAR)

    def provisioned(self, rule, day, i):
        if not self.holds(rule, day):
            return
        tokens, most = self.flow[rule.quantity], Fraction(rule.units) * Fraction(rule.capacity)
        served = Fraction(0)
        profile = rule.profile or (1,) * 24
        for weight in profile:
            hour = tokens * Fraction(weight) / sum(map(Fraction, profile))
            served += min(hour, most)
        cost = Fraction(rule.units) * Fraction(rule.price) * 24
        used = cost * served / (most * 24) if most else 0
        self.put(f"{rule.name}: used", used, "capacity", i)
        self.put(f"{rule.name}: idle", cost - used, "capacity", i)
        self.put(f"{rule.name}: not on demand", -self.today["usage"] * served / tokens if tokens else 0, "usage", i)
        self.flow[rule.quantity] -= served

    def discount(self, rule, day, i):
        if self.holds(rule, day):
            self.put(rule.name, -Fraction(rule.share) * self.today["usage"], "usage", i)

    def spendtiers(self, rule, day, i):
        if not self.holds(rule, day):
            return
        begin, _ = window(rule, day, self.first, self.last)
        start = Fraction(rule.spent_before) if begin < self.first else Fraction(0)
        before = self.memory.get((rule.name, begin), start)
        after = self.memory[rule.name, begin] = before + self.today["usage"]
        self.put(rule.name, self.earned(rule, before) - self.earned(rule, after), "usage", i)

    @staticmethod
    def earned(rule, spend):
        if rule.how == "volume":
            return spend * max(Fraction(share) for threshold, share in rule.tiers if spend >= threshold)
        tops = [Fraction(t) for t, _ in rule.tiers[1:]] + [spend]
        return sum(
            max(min(spend, top) - Fraction(low), Fraction(0)) * Fraction(share)
            for (low, share), top in zip(rule.tiers, tops, strict=True)
        )

    def seats(self, rule, day, i):
        if not self.holds(rule, day):
            return
        seats = max(self.counts[day][rule.quantity], Fraction(rule.minimum))
        if rule.per == "month":
            part = of_month(day)
            if not rule.prorate:
                key = (rule.name, day.year, day.month)
                part = max(seats - self.memory.get(key, 0), 0) / seats if seats else 0
                self.memory[key] = max(self.memory.get(key, 0), seats)
            self.put(rule.name, Fraction(rule.price) * seats * part, "fee", i)
            return
        origin = rule.start or self.first
        begin = origin
        while months_later(origin, 12 * ((begin.year - origin.year) + 1)) <= day:
            begin = months_later(origin, 12 * ((begin.year - origin.year) + 1))
        after = months_later(origin, 12 * ((begin.year - origin.year) + 1))
        paid = Fraction(0)
        if begin < self.first:
            paid = seats if rule.paid_before is None else Fraction(rule.paid_before)
        paid = self.memory.get((rule.name, begin), paid)
        added = max(seats - paid, Fraction(0))
        self.memory[rule.name, begin] = max(paid, seats)
        rest = months(day, after) / months(begin, after) if rule.prorate else 1
        self.put(rule.name, added * Fraction(rule.price) * rest, "fee", i)

    def allowance(self, rule, day, i):
        if not self.holds(rule, day):
            return

        def times(on):
            held = on in self.counts and self.holds(rule, on)
            return of_month(on) * (self.counts[on]["seats"] if rule.per_seat else 1) if held else Fraction(0)

        month, groups = (rule.name, day.year, day.month), len(rule.profile)
        begin = day.replace(day=1)
        if month not in self.memory:
            new = Fraction(rule.included) * sum(map(times, days(begin, months_later(begin, 1)))) / groups
            carried = self.memory.get((rule.name, "carried"), [Fraction(rule.carried_before) / groups] * groups)
            self.memory[month] = [new + c for c in carried]
            self.memory[rule.name, "new"] = new
        money = self.today["usage"]
        used = money if rule.quantity == "usage" else self.flow[rule.quantity]
        within = Fraction(0)
        for g, weight in enumerate(rule.profile):
            take = min(self.memory[month][g], used * Fraction(weight) / sum(map(Fraction, rule.profile)))
            self.memory[month][g] -= take
            within += take
        self.memory[rule.name, "carried"] = [
            min(Fraction(rule.rollover) * rest, Fraction(rule.cap) * self.memory[rule.name, "new"])
            for rest in self.memory[month]
        ]
        share = within / used if used else Fraction(0)
        self.put(f"{rule.name}: fee", Fraction(rule.fee) * times(day), "fee", i)
        self.put(f"{rule.name}: included", -money * share, "usage", i)
        if rule.overage is not None:
            unit = 1 if rule.quantity == "usage" else Fraction(rule.per)
            self.put(f"{rule.name}: at list", -money * (1 - share) if used else 0, "usage", i)
            self.put(f"{rule.name}: overage", (used - within) * Fraction(rule.overage) / unit, "usage", i)

    def commitment(self, rule, day, i):
        if not self.holds(rule, day):
            return
        begin, after = window(rule, day, self.first, self.last)
        known = rule.spent_before is not None and begin < self.first
        start = Fraction(rule.spent_before) if known else Fraction(0)
        counted = self.today["usage"] if rule.on == "usage" else sum(self.today[g] for g in CHARGES)
        spent = self.memory[rule.name, begin] = self.memory.get((rule.name, begin), start) + counted
        ends = min(after - DAY, self.last, rule.end or FAR)
        if day == ends:
            seen = months(begin if known else max(begin, self.first, rule.start or self.first), ends + DAY)
            owed = Fraction(rule.amount) * seen / months(begin, after)
            self.put(f"{rule.name}: shortfall", max(owed - spent, Fraction(0)), "shortfall", i)

    def credits(self, rule, day, i):
        if rule.name not in self.memory:
            ordered = sorted(rule.purchases, key=lambda p: p.on)
            if rule.order == "expiring":
                ordered = sorted(rule.purchases, key=lambda p: (p.expires or FAR, p.on))
            self.memory[rule.name] = [[p, Fraction(p.worth)] for p in ordered]
        groups = {"usage": CHARGES[:1], "charges": CHARGES, "due": (*CHARGES, "shortfall")}[rule.on]
        owed, used = sum(self.today[g] for g in groups), Fraction(0)
        for one in self.memory[rule.name]:
            purchase, left = one
            if purchase.on == day:
                self.put(f"{rule.name}: bought", Fraction(purchase.cost), "credit", i)
            if purchase.on <= day <= (purchase.expires or FAR):
                use = min(left, owed - used)
                one[1] -= use
                used += use
        self.put(f"{rule.name}: used", -used, "credit", i)
        if rule.exhausted == "refuse":
            self.put(f"{rule.name}: refused", -min(owed - used, self.today["usage"]), "refused", i)

    def tax(self, rule, day, i):
        groups = {"usage": ("usage",), "charges": CHARGES, "due": (*CHARGES, "shortfall")}.get(rule.on)
        base = sum(self.today.values()) - self.today["tax"] if groups is None else sum(self.today[g] for g in groups)
        if groups is not None:
            base += self.today["refused"]
        rate = Fraction(rule.rate) if self.holds(rule, day) and not rule.reverse_charge else 0
        self.put(rule.name, rate * base, "tax", i)
