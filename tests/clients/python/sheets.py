"""Asks for Marketplace charges, price sheets, reservations, summaries of charges and tags with Microsoft's
azure-mgmt-consumption, unmodified.

The plan has what `consumption.py` needs of it, and what is `expected`.
"""

import decimal
import importlib.util

from harness import run_plan, same

if importlib.util.find_spec("msrestazure"):
    from consumption_msrest import Client
else:
    from consumption_azure_core import Client

PAGE = 400


def number(text):
    return round(float(decimal.Decimal(text)), 9)


def total(numbers):
    """Some clients read numbers as binary floats."""
    return round(float(sum(numbers)), 9)


def marketplaces(sdk, expected):
    wanted = expected["marketplaces"]
    scope = f"/subscriptions/{expected['subscription']}/providers/Microsoft.Billing/billingPeriods/{wanted['period']}"
    found = list(sdk.marketplaces.list(scope, top=5))
    same("machines", sorted(one.instance_name for one in found), wanted["names"])
    same("quantity", total(one.consumed_quantity for one in found), number(wanted["quantity"]))
    same("costs are there", [one.pretax_cost is None for one in found].count(True), 0)


def price_sheet(sdk, expected):
    wanted = expected["prices"]
    found, token = [], None
    while True:
        sheet = sdk.price_sheet.get_by_billing_period(wanted["period"], top=PAGE, skiptoken=token)
        found.extend(sheet.pricesheets)
        if not sheet.next_link:
            break
        token = sheet.next_link.split("skiptoken=")[1].split("&")[0]
    same("meters", [one.meter_id.upper() for one in found], wanted["meters"])
    same("part numbers", [one.part_number for one in found], wanted["parts"])
    expanded = sdk.price_sheet.get_by_billing_period(wanted["period"], top=1, expand="meterDetails")
    same("unit of the first meter", expanded.pricesheets[0].meter_details.unit, expanded.pricesheets[0].unit_of_measure)


def within(expected):
    first, last = expected["days"]
    return f"properties/UsageDate ge {first} AND properties/UsageDate le {last}"


def reservation_details(sdk, expected):
    found = list(sdk.reservations_details.list_by_reservation_order(expected["order"], filter=within(expected)))
    same("number of details", len(found), expected["details"]["count"])
    same("used hours", total(one.used_hours for one in found), number(expected["details"]["used"]))
    same("first day", found[0].usage_date.strftime("%Y-%m-%d"), expected["days"][0])


def reservation_summaries(sdk, expected):
    asked = {"grain": "daily", "filter": within(expected)}
    found = list(sdk.reservations_summaries.list_by_reservation_order(expected["order"], **asked))
    same("number of summaries", len(found), expected["summaries"]["count"])
    same("used hours", total(one.used_hours for one in found), number(expected["summaries"]["used"]))


def charges(sdk, expected):
    account = f"providers/Microsoft.Billing/billingAccounts/{expected['enrollment']}"
    scope = f"{account}/providers/Microsoft.Billing/billingPeriods/{expected['period']}"
    ask = getattr(sdk.charges, "list", None) or sdk.charges.list_by_scope
    answer = ask(scope)
    # In older versions the answer about a billing period is the summary itself.
    (found,) = answer.value if hasattr(answer, "value") else (answer,)
    wanted = expected["charges"]
    same("first-party charges", total([found.azure_charges, found.charges_billed_separately]), number(wanted["others"]))
    # One client looks for the name that its version of the API does not have.
    market = getattr(found, "azure_marketplace_charges", None)
    market = getattr(found, "marketplace_charges", None) if market is None else market
    if market is not None or getattr(found, "kind", None) is None:
        same("Marketplace charges", total([market]), number(wanted["marketplace"]))


def tags(sdk, expected):
    account = f"providers/Microsoft.Billing/billingAccounts/{expected['enrollment']}"
    found = sdk.tags.get(account)
    same("keys", [one.key for one in found.tags], sorted(expected["tags"]))
    # Older clients know no values.
    if hasattr(found.tags[0], "value"):
        same("keys and values", {one.key: sorted(one.value) for one in found.tags}, expected["tags"])


QUESTIONS = {
    "marketplaces": marketplaces,
    "price sheet": price_sheet,
    "reservation details": reservation_details,
    "reservation summaries": reservation_summaries,
    "charges": charges,
    "tags": tags,
}

run_plan(lambda plan, case: QUESTIONS[case["name"]](Client(plan, case).sdk, plan["expected"]))
