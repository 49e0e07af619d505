"""Asks for Marketplace charges, a price sheet and reservations with `az consumption`, as a principal that is logged in once. The plan
has what `az_cli.py` needs, and what is `expected`."""

import contextlib
import decimal

from az_cli import Session
from harness import run_plan, same


def marketplaces(az, expected):
    wanted = expected["marketplaces"]
    asked = ("--billing-period-name", wanted["period"], "--subscription", expected["subscription"])
    found = az.ask("consumption", "marketplace", "list", *asked)
    same("machines", sorted(one["instanceName"] for one in found), wanted["names"])


def price_sheet(az, expected):
    wanted = expected["prices"]
    asked = ("--billing-period-name", wanted["period"], "--subscription", expected["subscription"])
    found = az.ask("consumption", "pricesheet", "show", *asked)["pricesheets"]
    same("meters", [one["meterId"].upper() for one in found], wanted["meters"])


def details(az, expected):
    first, last = expected["days"]
    asked = ("--reservation-order-id", expected["order"], "--start-date", first, "--end-date", last)
    found = az.ask("consumption", "reservation", "detail", "list", *asked, "--subscription", expected["subscription"])
    same("number of details", len(found), expected["details"]["count"])
    used = sum(decimal.Decimal(one["usedHours"]) for one in found)
    same("used hours", used, decimal.Decimal(expected["details"]["used"]))


CASES = {"marketplace list": marketplaces, "pricesheet show": price_sheet, "reservation detail list": details}

with contextlib.ExitStack() as end:
    session = Session(end)
    run_plan(lambda plan, case: CASES[case["name"]](session.of(plan), plan["expected"]))
