"""A small plan whose names try to break out of what they are written into, and a reader of pages."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd

import forecast as fc
import scenarios as sc

FORMULA, SCRIPT, EMOJI = "=1+1", "<script>alert(1)</script>", "@x \U0001f600 $a$ & \x1b[31m\x00\u202e"
NAME = f"=HYPERLINK(0) {SCRIPT}"
DEMAND = {"development": 3e4, "production": 9e4, FORMULA: 1e4, EMOJI: 8e3}


def usage_of(demand=DEMAND, days=200):
    dates = pd.date_range(end="2026-10-31", periods=days)
    rng = np.random.default_rng(0)
    rows = []
    for environment, size in demand.items():
        requests = size * np.exp(0.2 * rng.standard_normal(days)) * np.where(dates.day_of_week > 4, 0.4, 1.0)
        columns = {"date": dates, "provider": "openai", "model": "gpt-5", "environment": environment}
        measures = {"requests": requests, "input_tokens": requests * 1_200, "output_tokens": requests * 300}
        rows.append(pd.DataFrame(columns | {"project": SCRIPT} | measures))
    return fc.Usage.from_frame(pd.concat(rows))


def plan_of(usage, horizon="2Q", *, split=True, lines=True, draws=400, **options):
    projection = fc.project(usage, horizon=horizon, model="seasonal_naive", trajectories=60, seed=1)
    components = [sc.Fixed("+base", monthly=12_000), sc.Reserve("-emergency", 20_000.5)] if lines else []
    policy = sc.EnvironmentSplit(development=(0.15, 0.18), production=(0.60, 0.70)) if split else None
    scenario = sc.Scenario(NAME, [sc.Growth(monthly=sc.between(0.03, 0.08))])
    return sc.plan(projection, scenario=scenario, components=components, split=policy, draws=draws, seed=1, **options)


class Reader(HTMLParser):
    """Collects the elements and text of a page, and complains where elements do not close in order.

    ``tables`` holds the rows of cells of each table, by the name of the region that it stands in.
    """

    VOID = ("meta", "link", "br", "hr", "img", "input")

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.text, self.tables, self.region = [], [], "", {}, ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if dict(attrs).get("role") == "region":
            self.region = dict(attrs)["aria-label"]
        elif tag == "tr":
            self.tables.setdefault(self.region, []).append([])
        elif tag in {"th", "td"}:
            self.tables[self.region][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data
        if {"th", "td"} & set(self.open):
            self.tables[self.region][-1][-1] += data

    def all(self, *tags):
        return [attrs for tag, attrs in self.elements if tag in tags]
