"""The command behind the sample and the frozen configurations: arguments come in, files and their hashes go out.

``python -m forecast.generator --out data/samples`` writes the sample organisation; ``--config my.toml --out .`` one of
one's own; ``--exports data/samples/exports`` a month of it as its providers would export it. ``--verify data/frozen``
compares every frozen configuration with its hash, and ``--freeze data/frozen`` writes the hash of those that have none.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from pathlib import Path

from forecast.errors import TokenplanError
from forecast.generator import csv_bytes, generate_usage, read_configuration, read_configurations, sha256
from forecast.generator.exports import write_exports


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 is fine, 1 a wrong input or a hash that differs."""
    parser = argparse.ArgumentParser(prog="python -m forecast.generator", description="Generate realistic usage.")
    parser.add_argument("--seed", type=int, help="of all that chance decides (default: the configuration's own)")
    parser.add_argument("--config", type=Path, help="a TOML configuration (default: the sample organisation)")
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--out", type=Path, help="folder to write the usage to, as <name>_daily.csv")
    task.add_argument("--exports", type=Path, help="folder for a month as its providers export it")
    task.add_argument("--verify", type=Path, help="folder of frozen configurations to compare with their hashes")
    task.add_argument("--freeze", type=Path, help="folder of configurations: write the hash of those without one")
    options = parser.parse_args(arguments)
    try:
        if options.out is not None:
            return _write(options.out, options.config, options.seed)
        if options.exports is not None:
            for path in write_exports(generate_usage(options.seed, config=options.config), options.exports, "2026-10"):
                sys.stdout.write(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path}\n")
            return 0
        return _compare(options.freeze or options.verify, freeze=options.freeze is not None)
    except TokenplanError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _write(folder: Path, config: Path | None, seed: int | None) -> int:
    usage = generate_usage(seed, config=config)
    held = csv_bytes(usage)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{'organisation' if config is None else config.stem}_daily.csv"
    target.write_bytes(held)
    sys.stdout.write(f"{hashlib.sha256(held).hexdigest()}  {target}  {len(usage.frame):,} rows\n")
    return 0


def _compare(folder: Path, *, freeze: bool) -> int:
    differing = 0
    for frozen in read_configurations(folder):
        start = time.perf_counter()
        found = sha256(generate_usage(config=frozen))
        state = "same" if found == frozen.sha256 else "DIFFERS"
        if frozen.sha256 is None and freeze:
            _append_hash(folder / f"{frozen.name}.toml", found)
            state = "frozen"
        elif found != frozen.sha256:
            differing += 1
        sys.stdout.write(f"{found}  {frozen.name}  {time.perf_counter() - start:.2f} s  {state}\n")
    return 1 if differing else 0


def _append_hash(path: Path, found: str) -> None:
    """Write the hash below the seed; the rest of the file stays as it is."""
    lines = path.read_text("utf-8").splitlines(keepends=True)
    at = next((n for n, line in enumerate(lines) if line.startswith("seed")), None)
    if at is None or read_configuration(path).sha256 is not None:
        raise TokenplanError(f"{path}: needs a line 'seed = ...' and no sha256 to be frozen")
    lines.insert(at + 1, f'sha256 = "{found}"\n')
    path.write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
