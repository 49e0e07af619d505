#!/usr/bin/env python3
"""Measures reports, imports, pages and totals against DuckDB, polars and ClickHouse, and against `cat`.

    python3 benches/speed.py [--rows 1000000,5000000] [--sets low,high] [--rounds 5] [--tasks report,page,…]
                             [--programs target/release] [--work DIR] [--document docs/BENCHMARKS.md]

Build first, once: `cargo build --workspace --release`. Everything else is made on the way: a virtual environment with
the pinned engines under `target/benches/`, the generated data and its stores. Every answer is compared by value with the
data before any timing; a difference ends the run. Then ours and theirs run in turn, two threads on two cores each, once to
warm up and `--rounds` times for the record. Prints a table and writes the document. How: `benches/README.md`.
"""

import argparse
import hashlib
import json
import pathlib
import shutil
import sys
import tempfile

from datasets import build_of, prepare
from measure import ROOT, Failed, load_average, machine
from speed_tasks import PEERS, REFERENCE, TASKS, Bench, Different, Skipped
from tables import HEADER, document, lines_of, text_table

sys.path.insert(0, str(ROOT / "tests" / "clients"))
import environments  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements-speed.txt"
MEMORY_FOLDER = pathlib.Path("/dev/shm")
# Two answers of the largest set, with what other engines pad.
ROOM_BYTES_PER_ROW = 2600
GROWTH_ROWS = 20_000_000


def engines(work):
    """The Python of the environment that has the engines, made if it is missing; other pins make another one."""
    pins = hashlib.sha256(sys.version.encode() + REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = work / f"engines-{pins}"
    if not (folder / environments.MARK).exists():
        print("installing the engines", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        environments.make_virtual_environment(folder)
        environments.install_python_packages(folder, REQUIREMENTS)
        (folder / environments.MARK).touch()
    return folder / "bin" / "python"


def versions():
    """The engines' versions, as pinned."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    wanted = ("duckdb==", "polars==", "chdb==", "chdb-core==")
    return ", ".join(line.replace("==", " ") for line in lines if line.startswith(wanted))


def output_folder(work, rows):
    """A new folder for answers: in memory where there is room, else in the work folder."""
    needed = rows * ROOM_BYTES_PER_ROW
    in_memory = MEMORY_FOLDER.is_dir() and shutil.disk_usage(MEMORY_FOLDER).free > needed
    parent = MEMORY_FOLDER if in_memory else work
    return pathlib.Path(tempfile.mkdtemp(prefix="lazurite-speed-", dir=parent)), in_memory


def sizes_of(task, rows):
    """Growth is measured up to 20 million rows, everything else on the sizes that are asked for."""
    return [*rows, GROWTH_ROWS] if task == "growth" and len(rows) > 1 else rows


def numbers(text):
    try:
        return [int(part.replace("_", "")) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: expected whole numbers with commas between them") from None


def words(known):
    def parse(text):
        found = text.split(",")
        unknown = [word for word in found if word not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is not one of {', '.join(known)}")
        return found

    return parse


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="Build first, once: cargo build --workspace --release. How to read the figures: benches/README.md.",
    )
    known_sets, known_tasks = ["low", "high", "native"], list(TASKS)
    parser.add_argument(
        "--rows", type=numbers, default=[1_000_000, 5_000_000], metavar="N,…",
        help="rows of the generated months (default: 1000000,5000000); with several, growth is measured up to 20,000,000",
    )  # fmt: skip
    parser.add_argument(
        "--sets", type=words(known_sets), default=["low", "high"], metavar="SET,…",
        help="low: rows repeat each other; high: random AdditionalInfo and changing tags; native: billed here (default: low,high)",
    )  # fmt: skip
    parser.add_argument("--tasks", type=words(known_tasks), default=known_tasks, metavar="TASK,…", help=", ".join(known_tasks))
    parser.add_argument(
        "--peers", type=words(PEERS), default=PEERS, metavar="ENGINE,…",
        help=f"who is asked beside us (default: {','.join(PEERS)}); the bars are held against {REFERENCE}",
    )  # fmt: skip
    parser.add_argument(
        "--add", action="store_true",
        help="keep what earlier runs of this build measured, but for what is measured now",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=5, help="rounds for the record, after one to warm up (default: 5)")
    for name, default, text in [
        ("--programs", ROOT / "target" / "release", "where lazurite and total-stages are"),
        ("--work", ROOT / "target" / "benches", "engines, generated data and stores; kept for the next time"),
        ("--document", ROOT / "docs" / "BENCHMARKS.md", "what is written, anew after every figure"),
    ]:
        shown = default.relative_to(ROOT)
        parser.add_argument(name, type=pathlib.Path, default=default, metavar="PATH", help=f"{text} (default: {shown})")
    return parser.parse_args()


def in_order(results):
    """Results in the order of the document."""
    tasks = list(TASKS)
    return sorted(results, key=lambda one: (tasks.index(one["of"]), one["rows"], one["set"]))


def measure_all(given, bench, results, keep):
    """All tasks on all sets. `keep` gets all results so far, in the order of the document, and what was skipped; `results`
    are those of earlier runs."""
    skipped = []
    for task in given.tasks:
        for rows in sizes_of(task, given.rows):
            for name in given.sets:
                data_set = prepare(given.programs, given.work, name, rows)
                print(f"{task}, {name}, {rows:,} rows", flush=True)
                results = [one for one in results if (one["of"], one["set"], one["rows"]) != (task, name, rows)]
                try:
                    for result in TASKS[task](bench, data_set):
                        runs, failures = result["runs"]
                        result |= {"of": task, "runs": runs, "failures": failures, "set": name, "rows": rows}
                        result["load"] = load_average()
                        results = in_order([*results, result])
                        print(text_table([HEADER, *lines_of(result)]), flush=True)
                        keep(results, skipped)
                except Skipped as reason:
                    skipped.append(f"{task}, {name}, {rows:,} rows: {reason}")
                    print(f"skipped: {skipped[-1]}", flush=True)
                    keep(results, skipped)
                finally:
                    empty(bench.out)


def empty(folder):
    for path in folder.iterdir():
        path.unlink()


def main():
    given = arguments()
    given.work = given.work.resolve()
    given.programs = given.programs.resolve()
    for program in ["lazurite", "total-stages"]:
        if not (given.programs / program).exists():
            sys.exit(f"{given.programs / program} is missing; build it: cargo build --workspace --release")
    given.work.mkdir(parents=True, exist_ok=True)
    try:
        python = engines(given.work)
    except environments.NotInstalled as error:
        sys.exit(f"the engines cannot be installed: {error}")
    out, in_memory = output_folder(given.work, max(given.rows))
    facts = machine() | {"engines": versions(), "build": build_of(given.programs / "lazurite"), "rounds": given.rounds}
    facts |= {"answers are written to": "memory" if in_memory else "the disk", "load at the start": load_average()}
    kept = given.work / "speed.json"
    earlier = json.loads(kept.read_text(encoding="utf-8")) if given.add and kept.exists() else {"facts": {}, "results": []}
    earlier = earlier["results"] if earlier["facts"].get("build") == facts["build"] else []

    def keep(results, skipped):
        facts["load at the end"] = load_average()
        given.document.write_text(document(results, skipped, facts), encoding="utf-8")
        kept.write_text(json.dumps({"facts": facts, "results": results}), encoding="utf-8")

    try:
        measure_all(given, Bench(given.programs, python, given.work, out, given.rounds, given.peers), earlier, keep)
    except (Failed, Different) as error:
        sys.exit(f"{error}\nwhat was measured until then is in {given.document}")
    finally:
        shutil.rmtree(out, ignore_errors=True)
    print(f"written: {given.document}")


if __name__ == "__main__":
    main()
