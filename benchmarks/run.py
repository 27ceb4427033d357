"""Runs benchmarks in turn, and prints one table of all: asked, reached, verdict.

    python benchmarks/run.py accuracy --data PATH [--models auto] [--jobs 2]
    python benchmarks/run.py speed [--jobs 2]
    python benchmarks/run.py summary [--every]

``accuracy`` runs m4, nn5, intervals and frozen, ``speed`` runs speed; ``summary`` prints the table of what they left
under ``--out`` again. A number that misses its target is a row of the table and stops nothing; a benchmark that breaks
is named, the others run, and the command leaves with 1.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from pathlib import Path

from verdicts import OUT, load, print_lines

HERE = Path(__file__).parent
ACCURACY = ("m4", "nn5", "intervals", "frozen")
#: Histories of the frozen configurations in days: a target stands at the first, the others are shown.
HISTORIES = ("400", "120", "60")


def commands(options: argparse.Namespace) -> dict[str, list[str]]:
    """The options of each benchmark that is wanted."""
    jobs, out = ["--jobs", str(options.jobs)], ["--out", str(options.out)]
    if options.what == "speed":
        return {"speed": [*jobs, *out]}
    if options.what == "summary":
        return {}
    data = ["--data", str(options.data)]
    model = options.models[:1]
    return {
        "m4": [*data, "--models", *options.models, *out],
        "nn5": [*data, "--models", *options.models, *jobs, *out],
        "intervals": [*data, "--models", *model, *jobs, *out],
        "frozen": ["--model", *model, "--history", *HISTORIES, *jobs, *out],
    }


def summary(folder: Path, wanted: list[str], *, every: bool) -> None:
    """Print the lines that the benchmarks left; ``every`` adds those of which nothing was asked."""
    counts: Counter[str] = Counter()
    for name in wanted:
        path = folder / f"{name}.json"
        if not path.exists():
            print(f"\n{name}: left no result")
            counts["no result"] += 1
            continue
        report = load(path)
        print(f"\n{name}: {report.command}\n  {report.seconds:.0f} s; load of the machine {report.load:.1f}")
        counts.update(line.verdict for line in report.lines)
        print_lines([line for line in report.lines if every or line.verdict != "shown"])
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("PASS", "MISS", "open", "no result"))
    print(f"\n{told}; {counts['shown']} numbers more are shown by the benchmarks themselves")


def main() -> int:
    parser = argparse.ArgumentParser(description="Run benchmarks, and print what was asked beside what was reached")
    parser.add_argument("what", choices=("accuracy", "speed", "summary"))
    parser.add_argument("--data", type=Path, help="the folder that holds m4/ and nn5/")
    parser.add_argument("--models", nargs="+", default=["auto", "fast"], help="the first is what targets are for")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--out", type=Path, default=OUT, help="the folder of the benchmarks' files (out/bench)")
    parser.add_argument("--every", action="store_true", help="also the numbers of which nothing was asked")
    options = parser.parse_args()
    if options.what == "accuracy" and options.data is None:
        parser.error("accuracy needs --data, the folder that holds m4/ and nn5/")
    failed = []
    wanted = commands(options)
    for name, words in wanted.items():
        (options.out / f"{name}.json").unlink(missing_ok=True)
        print(f"\n=== {name} {' '.join(words)}", flush=True)
        if subprocess.run([sys.executable, str(HERE / f"{name}.py"), *words], check=False).returncode:
            failed.append(name)
    print("\n=== summary")
    summary(options.out, list(wanted) or [*ACCURACY, "speed"], every=options.every)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
