"""Spend logs for tests: a seed comes in; LiteLLM's rows go out, and what a plain group-by makes of them."""

import json

import numpy as np
import pandas as pd

PRICES = {"gpt-4o": ("openai", 2.5e-6, 1e-5), "claude-sonnet-4-5": ("anthropic", 3e-6, 1.5e-5)}


def rows_of(seed, count=400):
    """Rows that are all right but for those that no price can be put on: cached answers."""
    random = np.random.default_rng(seed)
    made = []
    for i in range(count):
        model = list(PRICES)[random.integers(2)]
        provider, price_in, price_out = PRICES[model]
        prompt, completion = int(random.integers(0, 5_000)), int(random.integers(0, 900))
        cached = int(random.integers(0, prompt + 1)) if random.random() < 0.5 else 0
        written = int(random.integers(0, prompt - cached + 1)) if random.random() < 0.2 else None
        named = "cache_read_input_tokens" if random.random() < 0.5 else "prompt_tokens_details"
        used = {named: cached if named.startswith("cache") else {"cached_tokens": cached}}
        used["cache_creation_input_tokens"] = written
        start = pd.Timestamp("2026-03-01") + pd.Timedelta(seconds=int(random.integers(0, 40 * 86_400)))
        made.append(
            {
                "request_id": f"req-{i:05d}",
                "call_type": "acompletion",
                "api_key": f"hash-{random.integers(3)}",
                "spend": round(prompt * price_in + completion * price_out, 9),
                "total_tokens": prompt + completion,
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "startTime": start,
                "endTime": start + pd.Timedelta(seconds=2),
                "model": model if random.random() < 0.9 else f"{provider}/{model}",
                "model_group": "chat",
                "custom_llm_provider": provider,
                "user": f"person-{random.integers(50)}",
                "metadata": json.dumps(
                    {"user_api_key_alias": f"key {random.integers(2)}", "additional_usage_values": used}
                ),
                "cache_hit": "True" if random.random() < 0.05 else "False",
                "request_tags": json.dumps([f"team:{random.integers(2)}", "chat"]),
                "team_id": None if random.random() < 0.3 else f"team-{random.integers(2)}",
                "organization_id": None,
                "end_user": "",
                "status": "failure" if random.random() < 0.02 else "success",
            }
        )
    return pd.DataFrame(made)


def plain(rows, zone="UTC", step="D"):
    """The referee: what is used by day, provider and model, by pandas alone."""
    rows = rows[rows["cache_hit"] != "True"]
    used = rows["metadata"].map(lambda text: json.loads(text)["additional_usage_values"])
    read = used.map(
        lambda u: u.get("cache_read_input_tokens", 0) or (u.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    )
    written = used.map(lambda u: u["cache_creation_input_tokens"]).astype("float64")
    local = rows["startTime"].dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None)
    table = pd.DataFrame(
        {
            "date": local.dt.floor(step),
            "provider": rows["custom_llm_provider"],
            "model": rows["model"].str.split("/").str[-1],
            "requests": 1.0,
            "input_tokens": (rows["prompt_tokens"] - read - written.fillna(0)).astype("float64"),
            "cache_read_tokens": read.astype("float64"),
            "cache_write_tokens": written,
            "output_tokens": rows["completion_tokens"].astype("float64"),
            "list_cost": rows["spend"],
        }
    )
    return table.groupby(["date", "provider", "model"]).sum(min_count=1).reset_index()


def summed(usage):
    """A usage by day, provider and model, in the order of the referee."""
    measures = ["requests", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "list_cost"]
    return usage.frame.groupby(["date", "provider", "model"])[measures].sum(min_count=1).reset_index()
