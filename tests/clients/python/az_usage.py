"""Asks for usage details with `az consumption usage list`, as a principal that is logged in once.

The CLI asks at api-version 2023-05-01 but reads the members that rows had in 2018, so it prints no cost, of the original's
answers too. Dates it prints because the server adds those members at this version; meters, products, accounts, names and
ids it prints anyway.

The plan has what `az_cli.py` needs, `tables` and `cases`. A case has the `arguments` of the command and what must come
back: the rows of a `table`, or `at_most` so many of them; their `subscription` and `period`, and whether the details of
the meter are `expanded`; or the `text` of the CLI's complaint.
"""

import contextlib

from az_cli import CommandFailed, Session
from harness import run_plan, same


def check_refused(az, case):
    try:
        ask(az, case)
    except CommandFailed as error:
        text = case["expect"]["text"]
        assert text in str(error), f"{text!r} is not in {error}"
        assert "Traceback" not in str(error), f"the CLI broke: {error}"
    else:
        raise AssertionError("this should have been refused")


def check_listed(az, case, tables):
    expected = case["expect"]
    rows = ask(az, case)
    found = sorted([row["meterId"], row["product"], row["accountName"]] for row in rows)
    wanted = sorted(tables[expected["table"]])
    same("number of rows", len(rows), min(expected.get("at_most", len(wanted)), len(wanted)))
    if len(rows) == len(wanted):
        same("meter, product and account of each row", found, wanted)
    same("rows that nobody expects", [row for row in found if row not in wanted], [])
    same("number of names", len({row["name"] for row in rows}), len(rows))
    scope = f"/subscriptions/{expected['subscription']}/providers/Microsoft.Billing/billingPeriods/{expected['period']}/"
    for row in rows:
        day = row["usageStart"][:10]
        assert row["usageEnd"].startswith(day) and day.replace("-", "").startswith(expected["period"]), row["usageStart"]
        assert row["id"].lower().startswith(scope.lower()), f"{row['id']} is not within {scope}"
        details = row["meterDetails"]
        same("details of the meter are there", details is not None and bool(details["meterName"]), expected["expanded"])


def ask(az, case):
    return az.ask("consumption", "usage", "list", *case["arguments"])


def check(az, plan, case):
    if "text" in case["expect"]:
        check_refused(az, case)
    else:
        check_listed(az, case, plan["tables"])


with contextlib.ExitStack() as end:
    session = Session(end)
    run_plan(lambda plan, case: check(session.of(plan), plan, case))
