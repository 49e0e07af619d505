"""Asks for enrollments and billing periods with `az billing`, as a principal that is logged in once. The plan has what `az_cli.py`
needs, and what is `expected`."""

import contextlib

from az_cli import Session
from harness import run_plan, same


def accounts(az, expected):
    found = az.ask("billing", "account", "list")
    same("enrollments", [(one["name"], one["displayName"]) for one in found], [(expected["enrollment"], expected["name"])])


def said(period):
    return [period["name"], period["billingPeriodStartDate"], period["billingPeriodEndDate"]]


def periods(az, expected):
    found = az.ask("billing", "period", "list", "--subscription", expected["subscription"])
    same("periods", [said(one) for one in found], expected["periods"])


def period(az, expected):
    for one in expected["periods"]:
        found = az.ask("billing", "period", "show", "--name", one[0], "--subscription", expected["subscription"])
        same("period", said(found), one)


CASES = {"account list": accounts, "period list": periods, "period show": period}

with contextlib.ExitStack() as end:
    session = Session(end)
    run_plan(lambda plan, case: CASES[case["name"]](session.of(plan), plan["expected"]))
