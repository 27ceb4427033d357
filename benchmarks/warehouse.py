"""Spend logs of many million rows: reading them beside the bare query that extracts the same columns.

Makes LiteLLM's spend logs as Parquet files of a million rows (deterministic: every cell is a hash of its row's number),
then reads them with ``read_usage(..., format="litellm")`` and with DuckDB's own GROUP BY, turn about, each in a process
of its own, and prints time, the ratio of the two, and the most memory that the process held.

    python benchmarks/warehouse.py --millions 5 50 --repeat 3 --folder /var/tmp/logs
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

MILLION = 1_000_000
#: What was asked: time beside the bare query, and memory.
RATIO, GIGABYTES = 1.3, 1.5
#: Free room that a million rows take at most.
ROOM = 160 << 20

# A row a second and a half, so that 50 million rows are about two years and a file is 17 days.
MAKE = """
COPY (
    SELECT
        'chatcmpl-' || md5(i::VARCHAR) AS request_id,
        CASE h % 20 WHEN 0 THEN 'aembedding' ELSE 'acompletion' END AS call_type,
        md5('key' || (h % 40)::VARCHAR) AS api_key,
        round((prompt * 3 + completion * 15) / 1e6, 8) AS spend,
        prompt + completion AS total_tokens, prompt AS prompt_tokens, completion AS completion_tokens,
        moment AS "startTime", moment + to_milliseconds(400 + h % 9000) AS "endTime", moment AS "completionStartTime",
        ['gpt-4o', 'gpt-4o-mini', 'claude-sonnet-4-5', 'claude-haiku-4-5', 'gemini-2.5-pro'][1 + h % 5] AS model,
        'deployment-' || (h % 9)::VARCHAR AS model_id,
        ['chat', 'chat-small', 'agent', 'agent-small', 'long'][1 + h % 5] AS model_group,
        ['openai', 'openai', 'anthropic', 'anthropic', 'vertex_ai'][1 + h % 5] AS custom_llm_provider,
        'https://example.com/v1' AS api_base,
        'user-' || (h % 5000)::VARCHAR AS "user",
        '{"user_api_key": "' || md5('key' || (h % 40)::VARCHAR) || '", "user_api_key_alias": "service-'
            || (h % 40)::VARCHAR || '", "user_api_key_team_id": "team-' || (h % 8)::VARCHAR
            || '", "user_api_key_team_alias": "team ' || (h % 8)::VARCHAR
            || '", "user_api_key_org_id": null, "user_api_key_user_id": null, "spend_logs_metadata": null, '
            || '"requester_ip_address": "", "applied_guardrails": [], "status": "success", '
            || '"additional_usage_values": {"prompt_tokens_details": {"audio_tokens": null, "cached_tokens": '
            || cached::VARCHAR || '}, "completion_tokens_details": null, "cache_creation_input_tokens": '
            || (h % 3 * 10)::VARCHAR || ', "cache_read_input_tokens": ' || cached::VARCHAR || '}}' AS metadata,
        CASE h % 50 WHEN 0 THEN 'True' ELSE 'False' END AS cache_hit,
        '' AS cache_key,
        '["team:' || (h % 8)::VARCHAR || '"]' AS request_tags,
        'team-' || (h % 8)::VARCHAR AS team_id, NULL::VARCHAR AS organization_id,
        'customer-' || (h % 20000)::VARCHAR AS end_user, '' AS requester_ip_address,
        '{}' AS messages, '{}' AS response, md5('session' || (i // 7)::VARCHAR) AS session_id,
        CASE h % 100 WHEN 1 THEN 'failure' ELSE 'success' END AS status
    FROM (
        SELECT i, h, moment, prompt, completion, prompt * (h % 4) // 5 AS cached
        FROM (
            SELECT i, (hash(i) >> 1)::BIGINT AS h, TIMESTAMP '2024-11-01' + to_microseconds(i * 1300000) AS moment,
                (20 + hash(i, 1) % 4000)::INTEGER AS prompt, (1 + hash(i, 2) % 900)::INTEGER AS completion
            FROM range({start}, {stop}) AS r(i)
        )
    )
) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""

BARE = """
SELECT date_trunc('day', "startTime") AS day, custom_llm_provider, model, api_key, team_id, organization_id,
    model_group, call_type, request_tags, status, cache_hit, inside[4] AS key_alias, inside[5] AS team,
    count(*) AS requests, sum(prompt_tokens) AS prompt, sum(completion_tokens) AS completion, sum(spend) AS spend,
    sum(coalesce(inside[1]::BIGINT, inside[2]::BIGINT)) AS cached, sum(inside[3]::BIGINT) AS written
FROM (
    SELECT *, json_extract_string(metadata, [
        '$.additional_usage_values.cache_read_input_tokens',
        '$.additional_usage_values.prompt_tokens_details.cached_tokens',
        '$.additional_usage_values.cache_creation_input_tokens',
        '$.user_api_key_alias', '$.user_api_key_team_alias']) AS inside
    FROM read_parquet('{glob}')
)
GROUP BY ALL
"""


def make(folder: Path, millions: int) -> None:
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    missing = [n for n in range(millions) if not (folder / f"{n:03d}.parquet").exists()]
    free = shutil.disk_usage(folder).free
    if free < len(missing) * ROOM + (4 << 30):
        sys.exit(f"{folder}: {len(missing)} million rows need {len(missing) * ROOM >> 30} GB and 4 GB to spare")
    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar = false")
        for n in missing:
            part = folder / f"{n:03d}.part"
            rows = {"{start}": n * MILLION, "{stop}": (n + 1) * MILLION, "{path}": part}
            query = MAKE
            for mark, value in rows.items():
                query = query.replace(mark, str(value))
            con.execute(query)
            part.rename(folder / f"{n:03d}.parquet")


def ours(glob: str) -> tuple[float, float]:
    import forecast as fc

    usage = fc.read_usage(glob, format="litellm", today="2027-12-31")
    assert usage.reading is not None
    return float(usage.reading.sources["records"].sum()), float(usage.reading.conservation.loc["held", "tokens"])


def bare(glob: str) -> tuple[float, float]:
    import duckdb

    duckdb.execute("SET enable_progress_bar = false")
    table = duckdb.sql(BARE.replace("{glob}", glob)).df()
    return float(table["requests"].sum()), float(table["prompt"].sum() + table["completion"].sum())


def one(which: str, glob: str) -> None:
    """Run one of them in this process, and say what it took."""
    started = time.perf_counter()
    rows, tokens = {"ours": ours, "bare": bare}[which](glob)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(seconds, peak, rows, tokens)


def glob_of(folder: Path, millions: int) -> str:
    chosen = folder / f"first{millions}"
    chosen.mkdir(exist_ok=True)
    for n in range(millions):
        link = chosen / f"{n:03d}.parquet"
        if not link.exists():
            link.hardlink_to(folder / f"{n:03d}.parquet")
    return str(chosen / "*.parquet")


def measured(folder: Path, millions: int, repeat: int) -> dict[str, list[tuple[float, float]]]:
    glob = glob_of(folder, millions)
    found: dict[str, list[tuple[float, float]]] = {"ours": [], "bare": []}
    sums = set()
    for turn in range(repeat):
        for which in ("ours", "bare") if turn % 2 == 0 else ("bare", "ours"):
            command = [sys.executable, __file__, "--one", which, "--glob", glob]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds, peak, rows, tokens = map(float, done.stdout.split())
            found[which].append((seconds, peak))
            sums.add((rows, tokens))
            print(f"{millions:3d} million, {which}: {seconds:7.2f} s, {peak:5.2f} GB", flush=True)
    assert len(sums) == 1, f"the two read different sums: {sums}"
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--millions", type=int, nargs="+", default=[5, 50])
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--folder", type=Path, default=Path("benchmarks/.cache/warehouse"))
    options.add_argument("--keep", action="store_true", help="leave the files where they are")
    options.add_argument("--one", choices=["ours", "bare"])
    options.add_argument("--glob")
    given = options.parse_args()
    if given.one:
        one(given.one, given.glob)
        return
    make(given.folder, max(given.millions))
    best: dict[int, tuple[float, float]] = {}
    print("millions of rows | ours, s | bare, s | ratio (asked ≤ 1.3) | memory, GB (asked ≤ 1.5)")
    lines = []
    for millions in given.millions:
        found = measured(given.folder, millions, given.repeat)
        seconds = {which: statistics.median(s for s, _ in runs) for which, runs in found.items()}
        peak = max(p for _, p in found["ours"])
        best[millions] = (seconds["ours"], peak)
        ratio = seconds["ours"] / seconds["bare"]
        lines.append(f"{millions} | {seconds['ours']:.1f} | {seconds['bare']:.1f} | {ratio:.2f} | {peak:.2f}")
    print(*lines, sep="\n")
    first, last = min(best), max(best)
    if first != last:
        growth = best[last][0] / best[first][0]
        memory = best[last][1] / best[first][1]
        print(f"{last // first} times the rows: {growth:.1f} times the time, {memory:.2f} times the memory")
    if not given.keep:
        shutil.rmtree(given.folder)


if __name__ == "__main__":
    main()
