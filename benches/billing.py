#!/usr/bin/env python3
"""Measures a billing run against only reading and parsing the same input.

    python3 benches/billing.py [--records N] [--rounds N] [--programs DIR]

Generates one month of a native enrollment (50 reservations, 5 savings plans, a tenth of the days hourly; usage as
Parquet), then in every round runs both, one after the other, on two cores:

- `native-stages parse`: the product's own readers over all documents, nothing else;
- `lazurite bill` into an empty data folder: parsing, keeping usage, rating, coverage, both datasets, the commit.

Prints a JSON line per round, and at the end the ratio of the times (median, least, greatest) and the peak memory of each.
The goal is a ratio of 3 at most and 2 GB at most for 10,000,000 records. Build first, once:
`cargo build --workspace --release`. `--stages` runs the engine in memory too and says how long each stage takes.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import tempfile

from measure import ROOT, measured

# The month is closed then.
AS_OF = "2025-02-05T04:00:00Z"
RATIO_MAX = 3
MEMORY_BYTES_MAX = 2 * 1024**3


def generate(programs, folder, records):
    """Writes the input, unless the folder has it from an earlier run."""
    if (folder / "usage.parquet").exists():
        return
    sizes = ["--months", "1", "--usage-records", records, "--reservations", 50, "--savings-plans", 5, "--subscriptions", 200]
    command = [programs / "lazurite", "sample", "--native", folder, "--usage-parquet", *sizes]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


def main():
    arguments = argparse.ArgumentParser(description="a billing run against only reading and parsing the same input")
    arguments.add_argument("--records", type=int, default=10_000_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--programs", type=pathlib.Path, default=ROOT / "target" / "release")
    arguments.add_argument("--work", type=pathlib.Path, default=ROOT / "target" / "benches")
    arguments.add_argument("--stages", action="store_true", help="the engine in memory, stage by stage, too")
    given = arguments.parse_args()
    folder = given.work / f"native-{given.records}"
    folder.mkdir(parents=True, exist_ok=True)
    generate(given.programs, folder, given.records)
    pairs = []
    for number in range(1, given.rounds + 1):
        parse, _ = measured([given.programs / "native-stages", "parse", folder])
        data = pathlib.Path(tempfile.mkdtemp(prefix="data-", dir=given.work))
        try:
            command = [given.programs / "lazurite", "bill", folder, "--data", data, "--as-of", AS_OF, "--json"]
            bill, _ = measured(command)
        finally:
            shutil.rmtree(data, ignore_errors=True)
        pairs.append((parse, bill))
        ratio = round(bill["seconds"] / parse["seconds"], 2)
        print(json.dumps({"round": number, "parse": parse, "bill": bill, "ratio": ratio}), flush=True)
    if given.stages:
        _, output = measured([given.programs / "native-stages", "bill", folder, AS_OF])
        print(json.dumps({"stages": json.loads(output)}))
    ratios = [bill["seconds"] / parse["seconds"] for parse, bill in pairs]
    peak = max(bill["peak_bytes"] for _, bill in pairs)
    result = {
        "records": given.records,
        "input_bytes": (folder / "usage.parquet").stat().st_size,
        "ratio": {"median": round(statistics.median(ratios), 2), "least": round(min(ratios), 2), "greatest": round(max(ratios), 2)},
        "peak_bytes": {"parse": max(parse["peak_bytes"] for parse, _ in pairs), "bill": peak},
        "goal": {"ratio": RATIO_MAX, "peak_bytes": MEMORY_BYTES_MAX},
        "met": statistics.median(ratios) <= RATIO_MAX and peak <= MEMORY_BYTES_MAX,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
