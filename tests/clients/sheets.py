"""Marketplace charges, price sheets, reservations, summaries of charges and tags by Microsoft's clients of three generations and az.

The store holds real exports and recorded answers of the original; what is expected is computed from these files alone.
"""

import collections
import decimal
import json
import pathlib

import plans
from driving import Client, import_and_check, run_at_server, verify
from environments import ROOT
from program import Program
from results import step

RECORDED = ROOT / "crates" / "imports" / "tests" / "data"
MARKETPLACE = RECORDED / "pages" / "cli_marketplace_list.0.json"
PRICES = RECORDED / "sheets" / "cli_pricesheet.0.json"
DETAILS = RECORDED / "sheets" / "cli_list_reservations_details.0.json"
SUMMARIES = RECORDED / "sheets" / "cli_list_reservations_summaries_daily.0.json"
# An answer of several pages of which only the first is here is held as incomplete.
INCOMPLETE = 3
QUESTIONS = ("marketplaces", "price sheet", "reservation details", "reservation summaries", "charges", "tags")
VERSIONS = (("11", "consumption-11"), ("8", "consumption-8"), ("3", "consumption-3"))


def test_sheets(results, installed, binary, scratch):
    """Every client at one server, over HTTPS."""
    program = Program(binary, scratch / "sheets")
    login = step(results, "sheets: import, make a key", lambda: prepare(program))
    if login is None:
        return
    expected = expectations()
    cases = [{"name": question, "key": "own", "subscription": expected["subscription"]} for question in QUESTIONS]
    plan = {"keys": {"own": login["key"]}, "expected": expected, "cases": cases}
    clients = [Client(f"python consumption {name}, sheets", where, "sheets.py", plan) for name, where in VERSIONS]
    who = {"tenant": "contoso.example", "client_id": login["id"], "client_secret": login["key"]}
    az = [{"name": "marketplace list"}, {"name": "pricesheet show"}, {"name": "reservation detail list"}]
    clients.append(Client("az consumption, sheets", "azure-cli", "az_sheets.py", {**who, "expected": expected, "cases": az}))
    run_at_server(results, installed, program, clients, [], scratch)
    step(results, "sheets: verify after all questions", lambda: verify(program))


def prepare(program):
    """Imports charges, Marketplace charges, prices and reservations of one enrollment, and makes a key."""
    import_and_check(program, plans.ACTUAL, (plans.ENROLLMENT, "ActualCost", plans.PERIOD))
    own = ("--enrollment", plans.ENROLLMENT)
    program.command("import", MARKETPLACE, *own)
    program.command("import", PRICES, *own, exit_code=INCOMPLETE)
    program.command("import", DETAILS, *own)
    program.command("import", SUMMARIES, *own, "--grain", "daily")
    return program.login(plans.ENROLLMENT)


def exact(path):
    """A JSON file whose numbers are exact."""
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"), parse_float=decimal.Decimal, parse_int=decimal.Decimal)


def total(numbers):
    return f"{sum(numbers, decimal.Decimal()):f}"


def expectations():
    market = [item["properties"] for item in exact(MARKETPLACE)["value"]]
    prices = exact(PRICES)["properties"]["pricesheets"]
    details = [item["properties"] for item in exact(DETAILS)["value"]]
    summaries = [item["properties"] for item in exact(SUMMARIES)["value"]]
    rows = plans.rows(plans.ACTUAL)
    tags = collections.defaultdict(set)
    for row in rows:
        text = row["Tags"].strip()
        for key, value in json.loads(text if text.startswith("{") else f"{{{text}}}").items() if text else ():
            tags[key].add(value)
    return {
        "enrollment": plans.ENROLLMENT,
        "period": plans.PERIOD,
        "subscription": market[0]["subscriptionGuid"],
        "marketplaces": {
            "period": "201804-1",
            "names": sorted(item["instanceName"] for item in market),
            "quantity": total(item["consumedQuantity"] for item in market),
        },
        "prices": {"period": "201802", "meters": [item["meterId"] for item in prices], "parts": [item["partNumber"] for item in prices]},
        "order": details[0]["reservationOrderId"],
        "days": [details[0]["usageDate"][:10], details[-1]["usageDate"][:10]],
        "details": {"count": len(details), "used": total(item["usedHours"] for item in details)},
        "summaries": {"count": len(summaries), "used": total(item["usedHours"] for item in summaries)},
        "charges": {
            "others": total(decimal.Decimal(row["Cost"]) for row in rows if row["PublisherType"] != "Marketplace"),
            "marketplace": total(decimal.Decimal(row["Cost"]) for row in rows if row["PublisherType"] == "Marketplace"),
        },
        "tags": {key: sorted(values) for key, values in tags.items()},
    }
