"""What `lazurite demo` prints, pasted as it is: with the program itself, curl, Microsoft's SDK, and the Azure CLI."""

import contextlib
import csv
import decimal
import io
import json
import os
import re
import subprocess
import threading

import plans
from environments import hermetic_variables, offline_variables
from program import ProgramError, stop
from results import step

# A small generated enrollment: how many rows it has is tested elsewhere.
DEMO_ROWS = 2000
LAST_LINE = "Stop with Ctrl-C"
START_SECONDS_MAX = 120
# The Azure CLI starts eight times.
PASTE_SECONDS_MAX = 300
SDK = "Microsoft's SDK for Python"
GENERATIONS = "programs of the other API generations"
NATIVE = "the enrollment 8633001"
# First-party usage of the bundled export: its eleventh row is a purchase, which the older APIs do not show.
USAGE = (10, "5.2950077867419368")
# Lines before the header of an Enterprise Reporting file.
PREFACE_LINES = 2
# The numbered recipes of the demo, and the environments with whose programs they are pasted.
RECIPES = {
    "this program": [None],
    "curl": [None],
    SDK: ["sdk-5.0.0", "sdk-4.0.1"],
    "the Azure CLI": ["azure-cli"],
    GENERATIONS: [None],
    NATIVE: [None],
}


def test_demo(results, installed, binary, scratch):
    with contextlib.ExitStack() as running:
        printed = step(results, "demo: starts", lambda: running.enter_context(demo(binary, scratch / "demo")))
        for title, environments in RECIPES.items():
            for name in environments:
                label = f"demo: {title}" + (f", {name}" if name else "")
                step(results, label, lambda t=title, n=name: paste(printed, t, installed.get(n), scratch / "pasted"))


@contextlib.contextmanager
def demo(binary, data):
    """The demo on free ports; gives all that it printed when it was ready."""
    listen = ["--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0"]
    server = subprocess.Popen(
        [str(binary), "demo", "--data", str(data), "--rows", str(DEMO_ROWS), *listen],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=hermetic_variables(),
    )  # fmt: skip
    # Ending the program ends the reading below.
    watchdog = threading.Timer(START_SECONDS_MAX, server.kill)
    watchdog.start()
    try:
        lines = []
        for line in server.stdout:
            lines.append(line)
            if LAST_LINE in line:
                break
        else:
            raise ProgramError(f"the demo ended before it was ready:\n{''.join(lines)}")
        watchdog.cancel()
        yield "".join(lines)
    finally:
        watchdog.cancel()
        stop(server)


def recipe(printed, title):
    """The lines of a recipe: from its numbered title to the next one, or to the closing remarks."""
    found = re.search(rf"^\d\. With {re.escape(title)}[^\n]*:\n(.*?)(?=^\d\. With |^Look into the store)", printed, re.S | re.M)
    assert found, f"the demo prints no recipe for {title}:\n{printed}"
    return found.group(1)


def in_environment(text, environment):
    """A recipe with a pinned environment in place of the one that it would install."""
    lines = [line for line in text.splitlines(keepends=True) if "pip install" not in line]
    assert len(lines) + 1 == len(text.splitlines()), "the recipe does not install the SDK in one line"
    return "".join(lines).replace("sdk/bin/python", str(environment / "bin" / "python"))


def paste(printed, title, environment, folder):
    """Pastes a recipe into a shell and checks the report that it downloads or prints."""
    assert printed is not None, "the demo did not start"
    assert not isinstance(environment, Exception), "the client could not be installed, see above"
    variables = {**hermetic_variables(), **offline_variables("127.0.0.1")}
    text = recipe(printed, title)
    if environment is not None:
        variables["PATH"] = os.pathsep.join([str(environment / "bin"), variables.get("PATH", "")])
    if title == SDK:
        text = in_environment(text, environment)
    folder.mkdir(exist_ok=True)
    report = folder / "report.csv"
    report.unlink(missing_ok=True)
    done = subprocess.run(
        ["bash"], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=PASTE_SECONDS_MAX, check=False, cwd=folder, env=variables,
    )  # fmt: skip
    assert done.returncode == 0, f"the shell ended with {done.returncode}:\n{done.stdout}"
    rows, total = plans.KNOWN[plans.ACTUAL]
    if title == NATIVE:
        check_native(folder, printed)
        return
    if title == GENERATIONS:
        check_generations(folder, (rows, total))
        return
    if title == SDK:
        assert f"{rows} rows, total {total}\n" == done.stdout, f"the snippet printed {done.stdout!r}"
        return
    table = list(csv.DictReader(io.StringIO(report.read_text(encoding="utf-8-sig"), newline=""), strict=True))
    found = (len(table), plans.total([row["CostInBillingCurrency"] for row in table]))
    assert found == (rows, total), f"the report has rows and total {found}"


def check_generations(folder, known):
    """Compares what the older and newer APIs answered with what is known of the export."""
    details = json.loads((folder / "details.json").read_text(encoding="utf-8"), parse_float=decimal.Decimal)
    costs = [row["properties"]["cost"] for row in details["value"]]
    assert (len(costs), plans.total(map(str, costs))) == known, f"the usage details are {costs}"
    usage = json.loads((folder / "usage.json").read_text(encoding="utf-8"), parse_float=decimal.Decimal)
    costs = [row["cost"] for row in usage["data"]]
    assert (len(costs), plans.total(map(str, costs))) == USAGE, f"the usage rows are {costs}"
    lines = (folder / "usage.csv").read_text(encoding="utf-8-sig").splitlines(keepends=True)[PREFACE_LINES:]
    costs = [row["Cost"] for row in csv.DictReader(io.StringIO("".join(lines), newline=""), strict=True)]
    assert (len(costs), plans.total(costs)) == USAGE, f"the rows of the file are {costs}"


def check_native(folder, printed):
    """The prepayment has run out, and the charges that are answered are those that the demo said it billed."""
    balance = json.loads((folder / "balance.json").read_text(encoding="utf-8"), parse_float=decimal.Decimal)["properties"]
    assert (balance["endingBalance"], balance["utilized"]) == (0, 525), f"the balance is {balance}"
    assert balance["serviceOverage"] > 0, f"the balance is {balance}"
    details = json.loads((folder / "amortized.json").read_text(encoding="utf-8"), parse_float=decimal.Decimal)
    costs = [str(row["properties"]["cost"]) for row in details["value"]]
    said = re.search(r"8633001 AmortizedCost 202509: (\d+) rows, total ([\d.]+)", printed)
    found = (len(costs), decimal.Decimal(plans.total(costs)))
    assert said and found == (int(said[1]), decimal.Decimal(said[2])), f"the charges are {found}, said was {said}"
