"""The questions of `speed.py`: each checks that all answers are equal by value, then times ours and theirs in turn."""

import itertools
import json
import os
import pathlib
import re
import shutil
import statistics

import paging
from columns import lake_column
from datasets import DATASET, ENROLLMENT, PERIOD, import_command
from engines import of_department
from measure import Failed, attempted, measured

HERE = pathlib.Path(__file__).resolve().parent
PEERS = ["duckdb", "polars", "clickhouse"]
# Everything else is held against it.
REFERENCE = "duckdb"
OURS = "lazurite"
LIMIT = "cat"
UNKNOWN_ARGUMENT = re.compile(r"unexpected argument '([^']*)'")
# Requests of a round.
REQUESTS = 20
# Rows are filtered by this tag.
TAG = "application"
# Pages are taken between these shares of the month, evenly.
PAGE_DEPTHS = (0.5, 0.98)


class Skipped(Exception):
    """A task that this program cannot do; the text says why."""


class Different(Exception):
    """An answer that is not equal to the data."""


class Bench:
    """Where things are, and how often to ask."""

    def __init__(self, programs, python, work, out, rounds, peers):
        self.lazurite = programs / "lazurite"
        self.python, self.work, self.out, self.rounds, self.peers = python, work, out, rounds, peers
        self.truths = {}

    def ask(self, engine, question, **given):
        """One process of another engine: what it took, with the seconds of the question alone as `inner`."""
        run, printed = attempted([self.python, HERE / "engines.py", engine, question, json.dumps(given)])
        answer = json.loads(printed.strip().splitlines()[-1])
        return run | {"inner": answer.get("seconds"), "times": answer.get("times")}

    def sql(self, query):
        """The rows of a query to DuckDB."""
        _, printed = measured([self.python, HERE / "engines.py", "duckdb", "sql", json.dumps({"query": query})])
        return json.loads(printed)["rows"]

    def fingerprint(self, kind, *paths):
        """The fingerprint of rows (`equality.py`)."""
        _, printed = measured([self.python, HERE / "equality.py", kind, *paths])
        return json.loads(printed)

    def truth(self, data_set):
        """The fingerprint of the generated export; of a native month that of the stored rows."""
        key = (data_set.name, data_set.rows)
        if key not in self.truths:
            kept = data_set.folder / "fingerprint.json"
            if data_set.source.exists():
                if not kept.exists():
                    kept.write_text(json.dumps(self.fingerprint("csv", data_set.source)), encoding="utf-8")
                self.truths[key] = json.loads(kept.read_text(encoding="utf-8"))
            else:
                self.truths[key] = self.fingerprint("parquet", *data_set.files())
        return self.truths[key]

    def in_turn(self, runners):
        """Runs all once to warm up, then every one in every round; an engine that fails is left out and named."""
        runs, failures = {name: [] for name in runners}, {}
        for number in range(self.rounds + 1):
            for name, run in runners.items():
                if name in failures:
                    continue
                try:
                    took = run()
                except Failed as failure:
                    if name == OURS:
                        raise
                    failures[name] = str(failure)[-300:]
                    continue
                if number > 0:
                    runs[name].append(took)
        return {name: found for name, found in runs.items() if found}, failures


def same(found, expected, whose):
    if found != expected:
        raise Different(f"the answer of {whose} is not equal to the data: {found} instead of {expected}")


def source_of(data_set):
    """The files of a set in a query to DuckDB."""
    return f"read_parquet({data_set.files()!r}, hive_partitioning = false)"


def report_command(bench, data_set, out, *more):
    command = [bench.lazurite, "report", "--data", data_set.store, "--enrollment", ENROLLMENT, "--period", PERIOD]
    return [*command, "--out", out, *more]


def ours_or_skipped(command):
    """Runs a command of ours that an older program may not know; every other failure stays one."""
    try:
        return attempted(command)[0]
    except Failed as failure:
        unknown = UNKNOWN_ARGUMENT.search(str(failure))
        if unknown is None:
            raise
        raise Skipped(f"this build of the program does not know {unknown[1]}") from failure


def copying(source, out):
    """`cat` of the same bytes."""

    def run():
        took = attempted(["sh", "-c", f"cat '{source}' > '{out}'"])[0]
        os.unlink(out)
        return took

    return run


def whole_reports(bench, data_set, more, given, expected):
    """Runners of a report by ours and all peers, each checked once."""
    out = bench.out / "ours.csv"

    def ours():
        return ours_or_skipped(report_command(bench, data_set, out, *more))

    runners = {OURS: ours}
    ours()
    same(bench.fingerprint("csv", out), expected, OURS)
    for engine in bench.peers:
        theirs = str(bench.out / f"{engine}.csv")

        def run(engine=engine, theirs=theirs):
            took = bench.ask(engine, "report", files=data_set.files(), out=theirs, **given)
            os.unlink(theirs)
            return took

        try:
            bench.ask(engine, "report", files=data_set.files(), out=theirs, **given)
        except Failed as failure:
            print(f"  {engine} cannot: {str(failure)[-200:]}", flush=True)
            continue
        same(bench.fingerprint("csv", theirs), expected, engine)
        os.unlink(theirs)
        runners[engine] = run
    return runners


def report(bench, data_set):
    """The month as CSV, from Parquet alone."""
    runners = whole_reports(bench, data_set, ["--no-segments"], {}, bench.truth(data_set))
    runners[LIMIT] = copying(bench.out / "ours.csv", bench.out / "copy.csv")
    yield {"task": "report", "runs": bench.in_turn(runners)}


def warm(bench, data_set):
    """The month as CSV, with the segments that an earlier report left."""
    ours_or_skipped(report_command(bench, data_set, bench.out / "ours.csv"))
    runners = whole_reports(bench, data_set, [], {}, bench.truth(data_set))
    runners[LIMIT] = copying(bench.out / "ours.csv", bench.out / "copy.csv")
    yield {"task": "warm", "runs": bench.in_turn(runners)}


def compressed(bench, data_set):
    """The month as a compressed CSV, with segments; DuckDB compresses while it writes."""
    plain = bench.out / "ours.csv"
    ours_or_skipped(report_command(bench, data_set, plain))
    size = plain.stat().st_size
    for form, method in [("csv.gz", "gzip"), ("csv.zst", "zstd")]:
        ours, theirs = bench.out / f"ours.{form}", str(bench.out / f"duckdb.{form}")
        command = report_command(bench, data_set, ours, "--format", form)
        ours_or_skipped(command)
        same(bench.fingerprint("csv", ours), bench.truth(data_set), f"{OURS} as {form}")
        runners = {
            OURS: lambda command=command: ours_or_skipped(command),
            "duckdb": lambda: bench.ask("duckdb", "report", files=data_set.files(), out=theirs, compression=method),
        }
        runners["duckdb"]()
        same(bench.fingerprint("csv", theirs), bench.truth(data_set), f"duckdb as {form}")
        yield {"task": f"compressed {form}", "runs": bench.in_turn(runners), "bytes": size}


def department(bench, data_set):
    """The report of the department whose share of the rows is nearest to a tenth."""
    found = bench.sql(f"SELECT invoice_section_id, count(*) FROM {source_of(data_set)} GROUP BY 1")
    counts = {key: count for key, count in found if key}
    if not counts:
        raise Skipped("no row names a department")
    whole = sum(counts.values())
    chosen = min(counts, key=lambda key: abs(counts[key] / whole - 0.1))
    part = str(bench.out / "expected.parquet")
    bench.sql(f"COPY (FROM {source_of(data_set)} WHERE {of_department(chosen)}) TO '{part}'")
    expected = bench.fingerprint("parquet", part)
    more = ["--no-segments", "--department", chosen]
    runners = whole_reports(bench, data_set, more, {"department": chosen}, expected)
    runners[LIMIT] = copying(bench.out / "ours.csv", bench.out / "copy.csv")
    note = f"department {chosen}: {counts[chosen] / whole:.0%} of the rows"
    yield {"task": "department", "runs": bench.in_turn(runners), "note": note}


def imports(bench, data_set):
    """A store out of the export, on the disk; the peers write one Parquet file, unsorted and without fsync."""
    if not data_set.source.exists():
        raise Skipped("only exports are imported; benches/billing.py measures a billing run")
    store = bench.work / "imported"

    def ours():
        shutil.rmtree(store, ignore_errors=True)
        return attempted(import_command(bench.lazurite, data_set.source, store))[0]

    try:
        ours()
        files = sorted(str(path) for path in store.glob("charges/**/*.parquet"))
        same(bench.fingerprint("parquet", *files), bench.truth(data_set), OURS)
        runners = {OURS: ours}
        for engine in bench.peers:
            out = str(bench.work / f"{engine}.parquet")
            run = lambda engine=engine, out=out: bench.ask(engine, "import", source=str(data_set.source), out=out)
            try:
                run()
            except Failed as failure:
                print(f"  {engine} cannot: {str(failure)[-200:]}", flush=True)
                continue
            same(bench.fingerprint("parquet", out), bench.truth(data_set), engine)
            runners[engine] = run
        runners[LIMIT] = copying(data_set.source, bench.out / "copy.csv")
        yield {"task": "import", "runs": bench.in_turn(runners)}
    finally:
        shutil.rmtree(store, ignore_errors=True)
        for engine in bench.peers:
            (bench.work / f"{engine}.parquet").unlink(missing_ok=True)


class Pages:
    """Pages to ask for in a round: the addresses of ours, and what the others are asked."""

    def __init__(self, targets, wheres, offsets):
        self.targets, self.wheres, self.offsets = targets, wheres, offsets

    def last(self):
        return Pages(self.targets[-1:], self.wheres[-1:], self.offsets[-1:])

    def given(self, data_set):
        return {"files": data_set.files(), "wheres": self.wheres, "offsets": self.offsets, "rows": paging.ROWS}


def asked_pages(bench, data_set, server, task, rounds):
    """Pages by ours and all peers: the last of a round compared row by row, then one round after the other. With a single
    round the same pages are asked again and again, by ours once before they count; with one for every round each page is
    asked for the first time."""
    server.connect()
    are_new = len(rounds) > 1
    body, _ = server.get(rounds[0].targets[-1])
    expected = paging.ours_by_value(body)
    last = rounds[0].last().given(data_set)

    def turns():
        return itertools.cycle(rounds)

    own_turns = turns()
    runners = {OURS: lambda: asked_over_http(server, next(own_turns).targets, are_new)}
    for engine in bench.peers:
        answer = bench.out / f"{engine}.json"
        try:
            bench.ask(engine, "page", **last, out=str(answer))
        except Failed as failure:
            print(f"  {engine} cannot: {str(failure)[-200:]}", flush=True)
            continue
        if paging.theirs_by_value(answer.read_text(encoding="utf-8")) != expected:
            raise Different(f"the page of {engine} has other rows than ours")
        runners[engine] = lambda engine=engine, own=turns(): inner_median(
            bench.ask(engine, "page", **next(own).given(data_set))
        )
    note = f"{len(expected)} rows, {len(body):,} bytes of JSON"
    return {"task": task, "runs": bench.in_turn(runners), "note": note}


def asked_over_http(server, targets, are_new):
    """The median request of a round; CPU seconds and memory are the server's."""
    server.connect()
    for target in [] if are_new else targets:
        server.get(target)
    cpu = server.cpu_seconds()
    times = [server.get(target)[1] for target in targets]
    cpu = (server.cpu_seconds() - cpu) / len(targets)
    return {"seconds": statistics.median(times), "cpu_seconds": cpu, "peak_bytes": server.peak_bytes()}


def inner_median(run):
    """The median question inside of a process."""
    return run | {"seconds": statistics.median(run["times"]), "cpu_seconds": None}


def pages(bench, data_set, choose):
    """Serves the store and asks for the pages that `choose` names."""
    with open(bench.work / "server.log", "ab") as log:
        server = paging.Server(bench.lazurite, data_set, log)
        try:
            for task, rounds in choose(server):
                yield asked_pages(bench, data_set, server, task, rounds)
        finally:
            server.close()


def page(bench, data_set):
    """Pages of 1,000 rows in the second half of the month, each another one."""

    def choose(server):
        rows = bench.sql(f"SELECT count(*) FROM {source_of(data_set)}")[0][0]
        first, last = PAGE_DEPTHS
        depths = [first + (last - first) * number / (REQUESTS - 1) for number in range(REQUESTS)]
        offsets = [int(rows * depth) // paging.ROWS * paging.ROWS for depth in depths]
        yield "page", [Pages(paging.pages_at(server, offsets), [None] * REQUESTS, offsets)]

    yield from pages(bench, data_set, choose)


def filtered(bench, data_set):
    """The first page of the rows of a resource group, and of a tag: each question for the first time, then again."""

    def choose(_server):
        groups, values = filters_of(bench, data_set)
        group_pages = [group_page(group) for group in groups[: REQUESTS * (bench.rounds + 1)]]
        # One value, its key in other capitals each time: keys compare without case, so that rows are the same.
        keys = itertools.product(*[(letter, letter.upper()) for letter in TAG])
        tag_pages = [tag_page("".join(key), values[0]) for key in itertools.islice(keys, REQUESTS * (bench.rounds + 1))]
        for task, pages in [("resource group", group_pages), ("tag", tag_pages)]:
            rounds = [in_a_round(pages[start : start + REQUESTS]) for start in range(0, len(pages) - REQUESTS + 1, REQUESTS)]
            if len(rounds) <= bench.rounds:
                raise Skipped(f"there are {len(pages)} resource groups, too few to ask for each only once")
            yield f"filtered by {task}", rounds
            yield f"filtered by {task}, again", rounds[-1:]

    yield from pages(bench, data_set, choose)


def in_a_round(pages):
    """Some first pages as a round."""
    targets, wheres = zip(*pages)
    return Pages(list(targets), list(wheres), [0] * len(pages))


def group_page(group):
    condition = f"properties/resourceGroup eq '{group}'"
    return paging.first_page(condition), {"sql": f"{lake_column('ResourceGroup')} = '{group}'"}


def tag_page(key, value):
    # The text of the tag is looked for in the cell: cheaper than reading the cell as JSON, and the same here.
    pair = f'"{TAG}": "{value}"'
    where = {"sql": f"contains(tags, '{pair}')", "polars": f"tags LIKE '%{pair}%'", "clickhouse": f"position(tags, '{pair}') > 0"}
    return paging.first_page(f"tags eq '{key}:{value}'"), where


def filters_of(bench, data_set):
    """The resource groups, those with the most rows first, and the values of a tag that nearly all rows have, the rarest
    first."""
    source = source_of(data_set)
    groups = bench.sql(f"SELECT resource_group FROM {source} WHERE resource_group <> '' GROUP BY 1 ORDER BY count(*) DESC, 1")
    value = f"""regexp_extract(tags, '"{TAG}": "([^"]*)"', 1)"""
    values = bench.sql(f"SELECT {value} AS v FROM {source} WHERE v <> '' GROUP BY 1 ORDER BY count(*), 1")
    return [group for (group,) in groups], [value for (value,) in values]


def total(bench, data_set):
    """The exact total by day and category, asked again and again of a process that is warm."""
    given = {"files": data_set.files(), "count": REQUESTS}
    command = [bench.lazurite.with_name("total-stages"), data_set.store, ENROLLMENT, DATASET, PERIOD]

    def ours():
        run, printed = measured([*command, str(REQUESTS)])
        return run | {"seconds": statistics.median(json.loads(printed)["micros"]) / 1e6, "cpu_seconds": None}

    _, printed = measured([*command, "1"])
    answer = json.loads(printed)
    expected = by_value(answer["totals"])
    runners = {OURS: ours}
    for engine in bench.peers:
        out = bench.out / f"{engine}-total.json"
        try:
            bench.ask(engine, "total", **given | {"count": 1}, out=str(out))
        except Failed as failure:
            print(f"  {engine} cannot: {str(failure)[-200:]}", flush=True)
            continue
        same(by_value(json.loads(out.read_text(encoding="utf-8"))), expected, engine)
        runners[engine] = lambda engine=engine: inner_median(bench.ask(engine, "total", **given))
    note = f"{len(expected)} totals; the first question, which reads the roll-ups, took ours {answer['first_micros'] / 1000:.1f} ms"
    yield {"task": "total", "runs": bench.in_turn(runners), "note": note}


def by_value(totals):
    """Totals with plain numbers, in order."""
    return sorted((day, category, paging.plain("CostInBillingCurrency", cost)) for day, category, cost in totals)


def growth(bench, data_set):
    """The report into a counting sink, for time per row and memory by size."""
    command = report_command(bench, data_set, "/dev/null", "--no-segments")
    yield {"task": "growth", "runs": bench.in_turn({OURS: lambda: ours_or_skipped(command)})}


TASKS = {
    "report": report, "warm": warm, "compressed": compressed, "department": department, "import": imports,
    "page": page, "filtered": filtered, "total": total, "growth": growth,
}  # fmt: skip
