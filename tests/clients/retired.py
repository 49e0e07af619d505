"""The client of the Enterprise Reporting API that Microsoft switched off: what it is asked to do, and what must come back."""

import subprocess

import plans
from environments import hermetic_variables
from program import COMMAND_SECONDS_MAX, Program
from results import step

# An enrollment of its own with more than two pages of rows.
LARGE_ENROLLMENT = "8611001"
LARGE_PERIOD = "202301"
LARGE_ROWS = 3000
PAGE_ROWS = 1000

# As text: a number of Python would lose digits.
BALANCE = (
    f'{{"id":"enrollments/{plans.ENROLLMENT}/billingperiods/{plans.PERIOD}/balancesummaries","billingPeriodId":{plans.PERIOD},'
    '"currencyCode":"USD","beginningBalance":100.10,"endingBalance":90.05,"newPurchases":1,"adjustments":1.50,"utilized":12.55,'
    '"serviceOverage":1,"chargesBilledSeparately":0.25,"totalOverage":1.25,"totalUsage":13.80,'
    '"azureMarketplaceServiceCharges":0,"newPurchasesDetails":[{"name":"Promotion","value":1}],'
    '"adjustmentDetails":[{"name":"Promo Credit","value":1.50}]}'
)


def shown(row):
    """Rows that the older API shows: usage, but not of the Marketplace."""
    return row["ChargeType"] == "Usage" and row.get("PublisherType") != "Marketplace"


def expected(path, seen=lambda row: True):
    costs = [plans.cost(row) for row in plans.rows(path) if shown(row) and seen(row)]
    total = plans.decimal.Decimal(plans.total(costs)).normalize()
    return {"rows": len(costs), "total": f"{total:f}", "pages": max(1, -(-len(costs) // PAGE_ROWS)), "status": 3}


def cases(large):
    everything = expected(plans.ACTUAL)
    two_days = expected(plans.ACTUAL, lambda row: row["Date"] in ("09/04/2023", "09/05/2023"))
    days = "startTime=2023-09-04&endTime=2023-09-05"
    period = f"billingPeriod={plans.PERIOD}"
    found = []

    def case(name, action, expect, key="sample", enrollment=plans.ENROLLMENT, **more):
        found.append({"name": name, "action": action, "expect": expect, "key": key, "enrollment": enrollment, **more})

    case("balance", "balance", {"text": BALANCE}, period=plans.PERIOD)
    case("balance that is not held", "balance", {"http_status": 404}, period="202201")
    case("billing periods", "periods", {"periods": [plans.PERIOD]})
    case("usage of a period", "usage", everything, part=f"billingPeriods/{plans.PERIOD}/usagedetails")
    case("usage of the current period", "usage", everything, part="usagedetails")
    case("usage of two days", "usage", two_days, part=f"usagedetailsbycustomdate?{days}")
    case("usage of a period that is not held", "usage", {"http_status": 404}, part="billingPeriods/202201/usagedetails")
    for version in ("v2", "v3"):
        for name, query, expect in [("a period", period, everything), ("two days", days, two_days)]:
            case(f"file of {name}, {version}", "file", {**expect, "download": True}, version=version, query=query)
    case("file of a period that is not held", "file", {"status": 5}, version="v3", query="billingPeriod=202201")
    wrong = {"http_status": 401}
    case("usage with a wrong key", "usage", wrong, key="wrong", part="usagedetails")
    case("balance with a wrong key", "balance", wrong, key="wrong", period=plans.PERIOD)
    case("usage with the key of another enrollment", "usage", {"http_status": 403}, key="large", part="usagedetails")
    case("department's key: usage", "usage", everything, key="department", part="usagedetails")
    case("department's key: balance", "balance", {"http_status": 403}, key="department", period=plans.PERIOD)
    subscription = expected(plans.ACTUAL, lambda row: row["SubscriptionId"].lower() == plans.SUBSCRIPTION)
    case("subscription's key: usage", "usage", subscription, key="subscription", part="usagedetails")
    case("subscription's key: file", "file", subscription, key="subscription", version="v3", query=period)
    of_large = {"key": "large", "enrollment": LARGE_ENROLLMENT}
    many = expected(large)
    case("many pages", "usage", many, part=f"billingPeriods/{LARGE_PERIOD}/usagedetails", **of_large)
    case(
        "file of many rows", "file", {**many, "download": True}, version="v3", query=f"billingPeriod={LARGE_PERIOD}",
        **of_large,
    )  # fmt: skip
    return found


def large_export(binary, scratch):
    path = scratch / "large.csv"
    command = [
        binary, "sample", "--out", path, "--rows", LARGE_ROWS, "--enrollment", LARGE_ENROLLMENT, "--first-month", LARGE_PERIOD,
    ]  # fmt: skip
    subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, timeout=COMMAND_SECONDS_MAX, env=hermetic_variables()
    )
    assert expected(path)["pages"] > 2, "the generated enrollment has too few rows"
    return path


def fill(program, large, scratch):
    """Imports charges and the balance, and gives the keys."""
    balance = scratch / "balance.json"
    balance.write_text(BALANCE, encoding="utf-8")
    program.imports(plans.ACTUAL)
    program.imports(balance)
    program.imports(large, "--dataset", "ActualCost")
    program.command("enrollment", "policy", "--enrollment", plans.ENROLLMENT, "--da-view-charges", "on", "--ao-view-charges", "on")
    program.command(
        "enrollment", "map", "--enrollment", plans.ENROLLMENT, "--department", plans.DEPARTMENT, "--id",
        plans.MAPPED["department"],
    )  # fmt: skip
    keys = {
        "sample": program.key(plans.ENROLLMENT),
        "large": program.key(LARGE_ENROLLMENT),
        "department": program.key(plans.ENROLLMENT, "--department", plans.MAPPED["department"]),
        "subscription": program.key(plans.ENROLLMENT, "--subscription", plans.SUBSCRIPTION),
    }
    keys["wrong"] = keys["sample"][:-6] + keys["sample"][-6:].swapcase()[::-1]
    return keys


def prepare(results, binary, scratch):
    """The program with everything in it, and the plan of the client; without a plan if that failed."""
    program = Program(binary, scratch / "retired")
    large = step(results, "retired: generate an enrollment", lambda: large_export(binary, scratch))
    keys = large and step(results, "retired: import charges and a balance, make keys", lambda: fill(program, large, scratch))
    return program, keys and {"keys": keys, "cases": cases(large)}
