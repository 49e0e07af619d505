"""Walks usage details, reads balances and downloads with Microsoft's azure-mgmt-consumption of any generation, unmodified
but for endpoint, credential and CA.

The SDK makes binary numbers of amounts. So each row is compared with the body that it came from as the SDK's number, and
with the expectation as the text of that body; sums are those of the texts.

The plan has `endpoint`, `ca`, `keys`, `form` (a key of `FORMS`), `tables` and `cases`. A case `asks` for something of
`QUESTIONS`.
"""

import csv
import decimal
import importlib.util
import io
import json
import re

from blobs import BYTE_ORDER_MARK, download
from harness import run_plan, same

# Members of a row by what they mean here, as the wire names them.
FORMS = {
    "newer": {
        "date": "date", "meter": "meterId", "cost": "cost", "quantity": "quantity", "currency": "billingCurrency",
        "resource": "resourceId", "product": "product", "information": "additionalInfo",
    },
    "older": {
        "date": "usageStart", "meter": "meterId", "cost": "pretaxCost", "quantity": "usageQuantity", "currency": "currency",
        "resource": "instanceId", "product": "product", "information": "additionalProperties",
    },
}  # fmt: skip
NUMBERS = ("cost", "quantity")
TEXTS = ("meter", "currency", "resource", "product", "information")


def client_of(plan, case):
    """The SDK's client, in the wrapping of its generation."""
    if importlib.util.find_spec("msrestazure"):
        from consumption_msrest import Client
    else:
        from consumption_azure_core import Client
    return Client(plan, case)


def snake(name):
    """How the SDK spells a member."""
    return re.sub("[A-Z]", lambda letter: f"_{letter.group().lower()}", name)


def parsed(body):
    """A body whose numbers are their texts."""
    return json.loads(body, parse_float=str, parse_int=str)


def number(text):
    """What a client that knows only binary numbers must make of a text."""
    return None if text is None else float(decimal.Decimal(text))


def exact_sum(texts):
    return f"{sum(map(decimal.Decimal, texts), decimal.Decimal()):f}"


def check_usage(plan, case, client):
    expected = case["expect"]
    rows = list(client.usage(case))
    pages = [parsed(body) for body in client.bodies]
    raw = [row for page in pages for row in page["value"]]
    wanted = plan["tables"][expected["table"]]
    same("number of rows", len(rows), len(wanted))
    same("number of rows in the bodies", len(raw), len(wanted))
    same("number of pages", len(pages), expected["pages"])
    names = FORMS[plan["form"]]
    properties = [row["properties"] for row in raw]
    found = [[row[names["date"]][:10], row[names["meter"]], row[names["cost"]]] for row in properties]
    same("date, meter and cost of each row", sorted(found), sorted(wanted))
    same("exact total", exact_sum(row[names["cost"]] for row in properties), expected["total"])
    for row, source in zip(rows, raw, strict=True):
        check_row(row, source, names, expected["expanded"])


def check_row(row, source, names, expanded):
    """A row as the SDK shows it, and the body that it came from."""
    properties = source["properties"]
    same("id and name", (row.id, row.name), (source["id"], source["name"]))
    same("tags", row.tags, source["tags"])
    for name in NUMBERS:
        shown = getattr(row, snake(names[name]))
        same(name, None if shown is None else float(shown), number(properties.get(names[name])))
    for name in TEXTS:
        same(name, getattr(row, snake(names[name])), properties.get(names[name]))
    # The oldest SDKs cannot name a member like the type.
    day = getattr(row, "date_property", None) or getattr(row, snake(names["date"]))
    same("date", day.strftime("%Y-%m-%d"), properties[names["date"]][:10])
    same("details of the meter are there", row.meter_details is not None, expanded)
    if expanded:
        same("name of the meter", row.meter_details.meter_name, properties["meterDetails"]["meterName"])
    else:
        same("information", properties.get(names["information"]), None)


def check_balance(plan, case, client):
    expected = case["expect"]["properties"]
    balance = client.balance(case["enrollment"], case["period"])
    body = parsed(client.bodies[0])
    same("balance", body["properties"], expected)
    same("id and name", (balance.id, balance.name), (body["id"], body["name"]))
    for name, value in expected.items():
        shown = getattr(balance, snake(name))
        if isinstance(value, list):
            same(
                name, [(one.name, float(one.value)) for one in shown], [(one["name"], number(one["value"])) for one in value]
            )
        elif re.fullmatch(r"[-0-9.]+", str(value)):
            same(name, float(shown), number(value))
        else:
            same(name, shown, value)


def check_download(plan, case, client):
    """The file of a long-running download. Its link alone is the permission."""
    expected = case["expect"]
    result = client.download(case)
    blob = download(result.download_url, plan["ca"])
    assert blob.startswith(BYTE_ORDER_MARK), "the file does not start with a byte order mark"
    rows = list(csv.DictReader(io.StringIO(blob.decode("utf-8-sig"), newline=""), strict=True))
    found = [[iso(row["Date"]), row["MeterId"], row["Cost"]] for row in rows]
    same("date, meter and cost of each row", sorted(found), sorted(plan["tables"][expected["table"]]))
    same("exact total", exact_sum(row["Cost"] for row in rows), expected["total"])
    assert result.valid_till, "the link has no end"


def iso(date):
    month, day, year = date.split("/")
    return f"{year}-{month}-{day}"


QUESTIONS = {"usage": check_usage, "balance": check_balance, "download": check_download}


def check(plan, case):
    client = client_of(plan, case)
    expected = case["expect"]
    if "http_status" not in expected:
        QUESTIONS[case["asks"]](plan, case, client)
        return
    ask = {"usage": lambda: list(client.usage(case)), "balance": lambda: client.balance(case["enrollment"], case["period"])}
    try:
        ask[case["asks"]]()
    except client.refusal as error:
        same("HTTP status and code", client.status_and_code(error), (expected["http_status"], expected["code"]))
    else:
        raise AssertionError("this should have been refused")


run_plan(check)
