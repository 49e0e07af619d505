"""Kills the program at random moments of an import and of a report, and once at every named write point.

    python3 tests/crashes/run.py target/debug/lazurite --rows 200000 --kills 100 --seed 7

After each death the store must be exactly what it was before the import or what the import makes, `verify` must be
clean, and a report of the month must be completed with the exact total. Needs nothing but Python, Linux and the program,
a debug build for the named points. Ends with 0 only if nothing was violated and enough of the kills fell into the work.
"""

import argparse
import collections
import concurrent.futures
import csv
import decimal
import io
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

PYTHON_MIN = (3, 11)
ROOT = pathlib.Path(__file__).resolve().parents[2]
POINTS = ROOT / "crates" / "lake" / "src" / "crash.rs"

ENROLLMENT, MONTH = "8611001", "202501"
SCOPE = f"providers/Microsoft.Billing/billingAccounts/{ENROLLMENT}"
OPERATION = "providers/Microsoft.CostManagement/generateCostDetailsReport?api-version=2024-08-01"
# The import that is killed makes version 20 of the lake, which gets a checkpoint.
VERSIONS_BEFORE = 19
# The last point of an import at which the commit is not there, and the first at which the catalog knows of it.
LAST_BEFORE, RECORDED = "import-commit-staged", "import-catalog-committed"
# Small enough that the report has many blobs.
BLOB_BYTES_MAX = 16 << 20
# Of the kills of imports, those that wait for the first finished file: what follows is a small part of the work.
LATE_SHARE = 0.3
REPORT_SHARE = 0.35
# Every so many attempts, the same import is done again and must end in the state after.
AGAIN_EVERY = 10
INSIDE_MIN = 0.6
COMMAND_SECONDS_MAX = 300
POLL_SECONDS = 0.02
# Moments are counted in processor time, because a busy machine stretches the time of day. What waits for the disk takes
# none: each kill comes this much later at most.
WAIT_SECONDS_MAX = 0.03

# An export of some days of the month, which replaces a part of it.
PART = """\
BillingAccountId,BillingPeriodStartDate,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,CostInBillingCurrency,\
BillingCurrencyCode,ChargeType,PricingModel,Tags,ResourceId
8611001,01/01/2025,1caaa5a3-2b66-438e-8ab4-bce37d518c5d,01/02/2025,m,1,7.5,7.5,USD,Usage,OnDemand,,/r/1
8611001,01/01/2025,1caaa5a3-2b66-438e-8ab4-bce37d518c5d,01/09/2025,m,1,0.25,0.25,USD,Usage,OnDemand,,/r/2
"""


class Violation(Exception):
    """The store or the program is not as promised."""


def require(holds, message):
    if not holds:
        raise Violation(message)


def variables(crash_at=None):
    """The environment without settings of the caller."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LAZURITE_")}
    return kept | ({"LAZURITE_CRASH_AT": crash_at} if crash_at else {})


class Program:
    """The program over one data folder."""

    def __init__(self, binary, data):
        self.binary, self.data = binary, data

    def spawn(self, *arguments, crash_at=None):
        command = [self.binary, *map(str, arguments), "--data", str(self.data), "--json"]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=variables(crash_at)
        )

    def command(self, *arguments):
        """Runs a command to its end. Gives its JSON object and what it wrote to standard error."""
        child = self.spawn(*arguments)
        output, errors = child.communicate(timeout=COMMAND_SECONDS_MAX)
        text = output.decode() + errors.decode(errors="replace")
        require(child.returncode == 0, f"{arguments[0]} ended with {child.returncode}:\n{text}")
        return json.loads(output), errors.decode(errors="replace")

    def state(self):
        """What is held, without the instants at which imports were committed."""
        status, errors = self.command("status")
        for held in status["held"]:
            del held["importedAt"]
        return status, errors

    def serve(self, *options, crash_at=None):
        return Server(self, options, crash_at)


class Server:
    """A server that can be killed. It logs to a file beside its store."""

    def __init__(self, program, options, crash_at):
        listen = ["--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0", "--retry-after", "0"]
        command = [program.binary, "serve", *listen, "--blob-bytes-max", str(BLOB_BYTES_MAX), *map(str, options)]
        self.log = program.data.parent / f"serve-{time.monotonic_ns()}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*command, "--data", str(program.data), "--json"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=variables(crash_at),
            )  # fmt: skip
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ready(self):
        line = self.process.stdout.readline()
        require(line.startswith(b"{"), f"the server is not ready:\n{self.log.read_text(errors='replace')}")
        self.address = json.loads(line)["http"]
        return self

    def request(self, path, key=None, body=None):
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"} if key else {}
        address = path if path.startswith("http") else f"{self.address}{path}"
        return self.opener.open(urllib.request.Request(address, body, headers), timeout=COMMAND_SECONDS_MAX)

    def ask(self, key):
        """Asks for the report of the month. Gives the path at which its end is told."""
        body = json.dumps({"metric": "ActualCost", "billingPeriod": MONTH}).encode()
        with self.request(f"/{SCOPE}/{OPERATION}", key, body) as response:
            require(response.status == 202, f"the report was answered with {response.status}")
            return response.headers["Location"].removeprefix(self.address)

    def finished(self, path, key):
        """Waits for a report. Gives the links to its blobs."""
        end = time.monotonic() + COMMAND_SECONDS_MAX
        while time.monotonic() < end:
            with self.request(path, key) as response:
                if response.status == 200:
                    report = json.load(response)
                    require(report["status"] == "Completed", f"the report ended as {report}")
                    return [blob["blobLink"] for blob in report["manifest"]["blobs"]]
            time.sleep(POLL_SECONDS)
        raise Violation("the report was not completed")

    def total(self, links):
        """Rows and exact total of blobs."""
        rows, total = 0, decimal.Decimal(0)
        for link in links:
            with self.request(link) as response:
                table = csv.reader(io.TextIOWrapper(response, encoding="utf-8-sig", newline=""), strict=True)
                cost = next(table).index("CostInBillingCurrency")
                for row in table:
                    rows += 1
                    total += decimal.Decimal(row[cost])
        return rows, total

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def processor_seconds(process):
    """The processor time that a child has taken; 0 when it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pass_time(process, seconds, chance):
    """Waits until a child has taken so much processor time, or has ended, and a little longer."""
    while process.poll() is None and processor_seconds(process) < seconds:
        time.sleep(0.002)
    time.sleep(chance.random() * WAIT_SECONDS_MAX)


def month_of(state):
    """Rows, total and newest revision of the month, whose days can be of several imports."""
    held = [held for held in state["held"] if held["period"] == MONTH]
    total = sum((decimal.Decimal(part["total"]) for part in held), decimal.Decimal(0))
    return sum(part["rows"] for part in held), total, max(int(part["revision"]) for part in held)


class Bench:
    """The store before the import, the exports, and how long the work takes."""

    def __init__(self, binary, rows, scratch):
        self.binary, self.scratch = binary, scratch
        names = ("older", "newer", "small", "part")
        self.older, self.newer, self.small, self.part = (scratch / f"{name}.csv" for name in names)
        samples = [(self.older, 1, rows, MONTH), (self.newer, 2, rows, MONTH), (self.small, 3, 40, "202412")]
        for path, seed, count, month in samples:
            sample = [binary, "sample", "--out", path, "--rows", count, "--seed", seed, "--first-month", month]
            subprocess.run([*map(str, sample)], check=True, stdout=subprocess.DEVNULL, env=variables())
        self.part.write_text(PART)
        first = Program(binary, scratch / "before" / "data")
        for _ in range(VERSIONS_BEFORE - 1):
            first.command("import", self.small, "--dataset", "ActualCost", "--force")
        first.command("import", self.older, "--dataset", "ActualCost", "--taken-at", "2025-02-01T00:00:00Z")
        self.key = first.command("key", "create", "--enrollment", ENROLLMENT)[0]["key"]
        first.serve().ready().kill()
        self.before, _ = first.state()
        require(self.before["revision"] == str(VERSIONS_BEFORE), "the store before has another revision")
        self.whole = [self.newer]
        self.days = [self.part, "--days", "2025-01-01..2025-01-15"]
        self.asked, self.path = self.make_asked(scratch / "before", scratch / "asked")
        self.listed = files(first.data)

    def make_asked(self, before, asked):
        """The store with a report that nobody works on."""
        shutil.copytree(before, asked)
        config = asked / "idle.toml"
        config.write_text("workers = 0\n")
        server = Program(self.binary, asked / "data").serve("--config", config).ready()
        path = server.ask(self.key)
        server.kill()
        return asked, path

    def copy(self, name, of=None):
        folder = self.scratch / name
        shutil.copytree(of or self.scratch / "before", folder)
        return Program(self.binary, folder / "data")

    def importing(self, program, what, crash_at=None):
        options = ["--dataset", "ActualCost", "--taken-at", "2025-02-02T00:00:00Z"]
        return program.spawn("import", *what, *options, crash_at=crash_at)

    def measure(self):
        """The state after, and processor times: of an import to its first finished file and to its end, of a report."""
        program = self.copy("measure")
        child = self.importing(program, self.whole)
        self.wait_for_file(program, child)
        self.written = processor_seconds(child)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        require(child.returncode == 0, "an import that nobody kills fails")
        self.ended = usage.ru_utime + usage.ru_stime
        self.after, _ = program.state()
        server = program.serve().ready()
        started = processor_seconds(server.process)
        server.finished(server.ask(self.key), self.key)
        self.reported = processor_seconds(server.process) - started
        server.kill()
        shutil.rmtree(program.data.parent)
        program = self.copy("measure-days")
        require(self.importing(program, self.days).wait(COMMAND_SECONDS_MAX) == 0, "an import of days fails")
        self.after_days, _ = program.state()
        shutil.rmtree(program.data.parent)
        require(month_of(self.after) != month_of(self.before) != month_of(self.after_days), "the exports are the same")

    def wait_for_file(self, program, child):
        """Waits for the first Parquet file that has its name, or for the end of the import."""
        while child.poll() is None:
            new = files(program.data) - self.listed
            if any(name.endswith(".parquet") and "_delta_log" not in name for name in new):
                return
            time.sleep(0.005)

    def check(self, program, again, after, what, path=None):
        """All that must hold after a death. Gives which of the two states it is, and what the first start healed."""
        verified, healed = program.command("verify")
        require(verified["ok"] is True and not verified["violations"], f"verify: {verified}")
        state, errors = program.state()
        require(errors == "", f"the second start heals again: {errors}")
        require(state in (self.before, after), f"neither before nor after: {json.dumps(state)}")
        server = program.serve().ready()
        try:
            rows, total, _ = month_of(state)
            found = server.total(server.finished(path or server.ask(self.key), self.key))
            require(found == (rows, total), f"the report has rows and total {found}, the store {(rows, total)}")
        finally:
            server.kill()
        if again:
            child = self.importing(program, what)
            output, errors = child.communicate(timeout=COMMAND_SECONDS_MAX)
            require(child.returncode == 0, f"the same import again: {output.decode()}{errors.decode()}")
            require(program.state()[0] == after, "the same import again does not end in the state after")
        return ("after" if state == after else "before"), healed


def files(data):
    return {str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()}


def import_phase(bench, program, alive):
    """How far a killed import had come, by what it left."""
    left = files(program.data) - bench.listed
    has = lambda pattern: any(re.search(pattern, name) for name in left)
    commit = f"{VERSIONS_BEFORE + 1:020}"
    if not alive:
        return "ended by itself"
    if has(rf"{commit}\.checkpoint\.parquet$"):
        return "checkpoint written"
    if has(rf"{commit}\.json$"):
        return "committed"
    if has(r"^sources/.*zst$"):
        return "sources kept"
    if has(r"billing_period=.*\.parquet$"):
        return "files written"
    if has(r"billing_period=.*\.parquet#\d+$"):
        return "writing files"
    # An import that has begun to read has its working folder.
    return "reading" if has(r"^staging/import-") else "starting"


def report_phase(program, path):
    """How far the report of a killed server had come. The database is read from a copy: the program must recover it."""
    job = path.split("?")[0].rsplit("/", 1)[1]
    with tempfile.TemporaryDirectory() as folder:
        for name in ("catalog.sqlite", "catalog.sqlite-wal"):
            if (program.data / name).exists():
                shutil.copy(program.data / name, folder)
        catalog = sqlite3.connect(pathlib.Path(folder) / "catalog.sqlite")
        ((state,),) = catalog.execute("SELECT state FROM report_jobs WHERE id = ?", (job,)).fetchall()
        catalog.close()
    if state != "running":
        return {"queued": "queued", "completed": "completed"}.get(state, state)
    blobs = [path.name for path in (program.data / "reports" / job).glob("part_*")]
    finished = sum(not re.search(r"#\d+$", name) for name in blobs)
    return "writing the first blob" if not finished else f"writing blob {finished + 1}"


INSIDE_NOT = {"ended by itself", "starting", "completed"}


def kill_import(bench, number, chance):
    program = bench.copy(f"kill-{number}")
    late, moment = chance.random() < LATE_SHARE, chance.random()
    child = bench.importing(program, bench.whole)
    if late:
        bench.wait_for_file(program, child)
        pass_time(child, processor_seconds(child) + moment * (bench.ended - bench.written), chance)
    else:
        pass_time(child, moment * bench.ended, chance)
    alive = child.poll() is None
    child.kill()
    child.communicate()
    phase = import_phase(bench, program, alive)
    state, healed = bench.check(program, number % AGAIN_EVERY == 0, bench.after, bench.whole)
    require(alive or state == "after", "an import that ended is not there")
    require("took over import" not in healed or state == "after", "what is not there was taken over")
    return "import", phase, state, "took over import" in healed


def kill_report(bench, number, chance):
    program = bench.copy(f"kill-{number}")
    server = program.serve().ready()
    started = processor_seconds(server.process)
    path = server.ask(bench.key)
    pass_time(server.process, started + chance.random() * bench.reported, chance)
    server.kill()
    phase = report_phase(program, path)
    state, _ = bench.check(program, number % AGAIN_EVERY == 0, bench.after, bench.whole, path)
    require(state == "before", "a report changed the store")
    return "report", phase, state, False


def kill_at_random(bench, number, seed):
    chance = random.Random(f"{seed} {number}")
    return (kill_report if chance.random() < REPORT_SHARE else kill_import)(bench, number, chance)


def die_at_point(bench, points, point):
    if point.startswith("import-"):
        # Only what stays of a file that is replaced in part is written again.
        days = point == "import-rest-written"
        what, after = (bench.days, bench.after_days) if days else (bench.whole, bench.after)
        program = bench.copy(point)
        child = bench.importing(program, what, crash_at=point)
        child.communicate(timeout=COMMAND_SECONDS_MAX)
        code, path = child.returncode, None
        committed = points.index(point) > points.index(LAST_BEFORE)
    else:
        what, after, committed = bench.whole, bench.after, False
        queued = point == "report-queued"
        program = bench.copy(point, None if queued else bench.asked)
        server = program.serve(crash_at=point)
        path = None if queued else bench.path
        if queued:
            try:
                server.ready().ask(bench.key)
            except (OSError, urllib.error.URLError):
                pass
        code = server.process.wait(COMMAND_SECONDS_MAX)
        server.process.stdout.close()
    require(code == -signal.SIGABRT, f"the program did not die at {point} but ended with {code}; is it a debug build?")
    state, healed = bench.check(program, True, after, what, path)
    require(state == ("after" if committed else "before"), f"at {point} the state is the one {state}")
    recorded = not committed or point == RECORDED
    require(("took over import" in healed) is not recorded, f"at {point} the start said: {healed!r}")
    return "point", point, state, not recorded


class Tally:
    """Counts attempts and prints each as it ends."""

    def __init__(self):
        self.lock = threading.Lock()
        self.violations = []
        self.counts = collections.Counter()
        self.phases = collections.Counter()

    def attempt(self, name, action):
        try:
            kind, phase, state, healed = action()
        except (Violation, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            with self.lock:
                self.violations.append(name)
                print(f"FAIL  {name}: {type(error).__name__}: {error}", flush=True)
            return False
        with self.lock:
            print(f"ok    {name}: {kind}, {phase}, {state}{', taken over' if healed else ''}", flush=True)
            if kind == "point":
                self.counts["points"] += 1
            else:
                self.counts.update(["kills", f"{kind}s killed", f"{kind}s: state {state}"])
                self.counts["inside the work"] += phase not in INSIDE_NOT
                self.phases[f"{kind}: {re.sub(r' [0-9]+$', ' after the first', phase)}"] += 1
            self.counts["taken over by the next start"] += healed
        return True


def main():
    arguments = argparse.ArgumentParser(description="kills the program at random moments and at every write point")
    arguments.add_argument("binary", type=pathlib.Path, help="a debug build of the program")
    arguments.add_argument("--rows", type=int, default=200_000)
    arguments.add_argument("--kills", type=int, default=100)
    fresh = random.randrange(1 << 32)
    arguments.add_argument("--seed", type=int, default=fresh, help="printed; the same one repeats the moments")
    arguments.add_argument("--jobs", type=int, default=2, help="attempts at a time")
    given = arguments.parse_args()
    if sys.version_info < PYTHON_MIN:
        sys.exit(f"the crash tests need Python {'.'.join(map(str, PYTHON_MIN))} or newer")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # For the threads that are started from now on, and for this one.
    decimal.DefaultContext.prec = 80
    decimal.setcontext(decimal.DefaultContext)
    listed = re.search(r"CRASH_POINTS[^=]*= \[(.*?)\];", POINTS.read_text(), re.DOTALL).group(1)
    # The other ones are those of billing and of the end of history, which crates/cli/tests/cli/crashes.rs dies at.
    points = [point for point in re.findall(r'"([a-z-]+)"', listed) if point.startswith(("import-", "report-"))]
    print(f"rows {given.rows}, kills {given.kills}, seed {given.seed}, {len(points)} named points", flush=True)
    tally, started = Tally(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lazurite-crashes-") as scratch:
        bench = Bench(str(given.binary.resolve()), given.rows, pathlib.Path(scratch).resolve())
        bench.measure()
        print(f"before {month_of(bench.before)}\nafter  {month_of(bench.after)}", flush=True)
        print(
            f"an import takes {bench.ended:.2f} s of processor time, {bench.written:.2f} s to its first file; "
            f"a report {bench.reported:.2f} s",
            flush=True,
        )

        def attempt(name, action):
            if tally.attempt(name, action):
                # A store that is not as promised is left to be looked at.
                shutil.rmtree(bench.scratch / name)

        with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
            for point in points:
                pool.submit(attempt, point, lambda point=point: die_at_point(bench, points, point))
            for number in range(given.kills):
                pool.submit(attempt, f"kill-{number}", lambda number=number: kill_at_random(bench, number, given.seed))
        if tally.violations:
            kept = pathlib.Path(tempfile.mkdtemp(prefix="lazurite-crashes-kept-"))
            for name in tally.violations:
                if (bench.scratch / name).exists():
                    shutil.move(bench.scratch / name, kept / name)
            print(f"the stores of failed attempts are in {kept}")
    for name, count in sorted(tally.counts.items()) + sorted(tally.phases.items()):
        print(f"{count:5}  {name}")
    enough = tally.counts["inside the work"] >= INSIDE_MIN * given.kills
    complete = tally.counts["points"] == len(points) and tally.counts["kills"] == given.kills
    print(
        f"crashes: {tally.counts['kills']} kills, {tally.counts['inside the work']} inside the work, "
        f"{tally.counts['points']} named points, {len(tally.violations)} violations, {time.monotonic() - started:.0f} s"
    )
    sys.exit(0 if enough and complete and not tally.violations else 1)


if __name__ == "__main__":
    main()
