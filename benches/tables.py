"""The table that a measurement prints, and `docs/BENCHMARKS.md`."""

import statistics

from measure import spread
from speed_tasks import LIMIT, OURS

# Task → at least and aim as multiples of DuckDB's time, and as multiples of the time of `cat`.
BARS = {
    "report": {"duckdb": (4, 6), "cat": (2.5, 1.5)},
    "warm": {"duckdb": (7, 10), "cat": (1.3, None)},
    "department": {"duckdb": (4, 6)},
    "import": {"duckdb": (3, 5)},
    "page": {"duckdb": (5, 12)},
    "filtered by resource group": {"duckdb": (3, 8)},
    "filtered by tag": {"duckdb": (3, 8)},
    "total": {"duckdb": (10, 20)},
}
# Seconds per GB of CSV represented.
COMPRESSED_SECONDS = (0.1, 0.03)
# Task → most and wanted bytes of memory, by rows; 0 stands for any size.
MEMORY = {
    "report": {0: (256, 128)}, "warm": {0: (256, 128)}, "growth": {0: (256, 128)},
    "import": {1_000_000: (400, 200), 5_000_000: (1024, 512)},
}  # fmt: skip
GROWTH_TOLERANCE = 0.1
MIB = 1 << 20


def paired(result, engine):
    """Ratios of another engine's time to ours, round by round."""
    runs = result["runs"]
    if OURS not in runs or engine not in runs:
        return None
    ratios = [theirs["seconds"] / ours["seconds"] for ours, theirs in zip(runs[OURS], runs[engine])]
    return spread(ratios)


def median_of(runs, member):
    values = [run[member] for run in runs if run.get(member) is not None]
    return statistics.median(values) if values else None


def duration(seconds):
    if seconds is None:
        return "–"
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds:.2f} s"


def lines_of(result):
    """One line for each engine of a task."""
    lines = []
    for engine, runs in result["runs"].items():
        times = spread([run["seconds"] for run in runs])
        ratio = paired(result, engine) if engine != OURS else None
        inner = median_of(runs, "inner")
        lines.append([
            result["task"], result["set"], f"{result['rows']:,}", engine, duration(times["median"]),
            f"{duration(times['least'])} … {duration(times['greatest'])}", duration(inner),
            duration(median_of(runs, "cpu_seconds")), f"{max(run['peak_bytes'] for run in runs) / MIB:,.0f} MB",
            "" if ratio is None else f"{ratio['median']:.2f} × ({ratio['least']:.2f} … {ratio['greatest']:.2f})",
            result.get("load", "").split(" ")[0],
        ])  # fmt: skip
    return lines


HEADER = ["task", "set", "rows", "engine", "median", "least … greatest", "inside", "CPU", "peak memory", "paired ratio to ours", "load"]


def text_table(rows):
    """Rows with their columns aligned."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def markdown_table(rows):
    head, *rest = rows
    return "\n".join(["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rest]])


def verdict(value, least, aim, smaller_is_better=False):
    """What a figure reaches."""
    reached = (lambda bar: value <= bar) if smaller_is_better else (lambda bar: value >= bar)
    if aim is not None and reached(aim):
        return "aim reached"
    return "bar reached" if reached(least) else "**not reached**"


def bars(results):
    """The bars of each task, with what was reached."""
    rows = [["task", "set", "rows", "figure", "at least", "aim", "measured", ""]]
    for result in results:
        place = [result["task"], result["set"], f"{result['rows']:,}"]
        for peer, (least, aim) in BARS.get(result["task"], {}).items():
            ratio = paired(result, peer)
            if ratio is None:
                rows.append([*place, f"against {peer}", "", "", "–", "not measured"])
            elif peer == LIMIT:
                value = 1 / ratio["median"]
                aim_text = "" if aim is None else f"≤ {aim} ×"
                rows.append([*place, "time / `cat`", f"≤ {least} ×", aim_text, f"{value:.2f} ×", verdict(value, least, aim, True)])
            else:
                rows.append([*place, "DuckDB / time", f"{least} ×", f"{aim} ×", f"{ratio['median']:.2f} ×", verdict(ratio["median"], least, aim)])
        rows.extend([*place, *row] for row in fixed_bars(result))
    rows.extend(growth_bars(results))
    return rows


def fixed_bars(result):
    """Bars that are not held against an engine."""
    ours = result["runs"].get(OURS)
    if ours is None:
        return
    if result["task"].startswith("compressed"):
        value = median_of(ours, "seconds") / (result["bytes"] / 1e9)
        least, aim = COMPRESSED_SECONDS
        yield ["seconds per GB of CSV", f"≤ {least}", f"≤ {aim}", f"{value:.3f}", verdict(value, least, aim, True)]
    bounds = MEMORY.get(result["task"], {})
    if (bound := bounds.get(0) or bounds.get(result["rows"])) is not None:
        value = max(run["peak_bytes"] for run in ours) / MIB
        yield ["peak memory", f"≤ {bound[0]} MB", f"≤ {bound[1]} MB", f"{value:,.0f} MB", verdict(value, *bound, True)]


def growth_bars(results):
    """Time per row of each larger size against the smallest."""
    for task in ["growth", "import"]:
        for name in sorted({result["set"] for result in results}):
            sizes = sorted((r for r in results if r["task"] == task and r["set"] == name and OURS in r["runs"]), key=lambda r: r["rows"])
            for larger in sizes[1:]:
                per_row = [median_of(one["runs"][OURS], "seconds") / one["rows"] for one in (sizes[0], larger)]
                value = per_row[1] / per_row[0]
                bar = 1 + GROWTH_TOLERANCE
                place = [task, name, f"{larger['rows']:,}", f"time per row / that of {sizes[0]['rows']:,}"]
                yield [*place, f"≤ {bar}", "", f"{value:.2f}", verdict(value, bar, None, True)]


ABOUT = """# Benchmarks

Written by `python3 benches/speed.py`; what it does and how to read it is in [benches/README.md](../benches/README.md). It holds
what one build measured, in one run or several (`--add`); "load" is that of the machine when a figure was there. Ratios are of
paired runs: ours and theirs one after the other in every round, on the same two cores, with two threads each. All answers
were equal by value before anything was timed.
"""


def document(results, skipped, facts):
    """The text of `docs/BENCHMARKS.md`."""
    parts = [ABOUT, "## Machine and run\n", *(f"- {name}: {value}" for name, value in facts.items()), ""]
    parts += ["## Bars\n", markdown_table(bars(results)), ""]
    parts += ["## Times\n", markdown_table([HEADER, *(line for result in results for line in lines_of(result))]), ""]
    notes = [f"- {result['task']}, {result['set']}, {result['rows']:,} rows: {result['note']}." for result in results if result.get("note")]
    notes += [f"- {engine} failed in {r['task']}, {r['set']}, {r['rows']:,} rows: {why}" for r in results for engine, why in r["failures"].items()]
    if notes:
        parts += ["## Notes\n", *notes, ""]
    if skipped:
        parts += ["## Not measured\n", *(f"- {text}" for text in skipped), ""]
    return "\n".join(parts)
