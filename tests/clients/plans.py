"""What the clients are asked to do, and what must come back: computed here from the bundled exports, not from answers.

A plan is one JSON document for every client, so that all SDKs answer the same questions.
"""

import csv
import decimal
import pathlib

from environments import ROOT

SAMPLES = ROOT / "crates" / "samples" / "data"
ACTUAL = SAMPLES / "EA_ActualCost_Small.csv"
AMORTIZED = SAMPLES / "EA_AmortizedCost_Small.csv"
NO_ROWS = SAMPLES / "EA_NoRows.csv"
GENERATED = SAMPLES / "subscription-scope_2025-06-01_2025-06-30.csv"

ENROLLMENT = "8611537"
PERIOD = "202309"
EMPTIED_PERIOD = "202310"
# The subscription that also bought a reservation: the purchase must not show at its scope.
SUBSCRIPTION = "1caaa5a3-2b66-438e-8ab4-bce37d518c5d"
GENERATED_ENROLLMENT = "51145392"
GENERATED_SUBSCRIPTION = "38f1d748-3ac7-4b7f-a5ae-8b5ff16db82c"
GENERATED_PERIOD = "202506"

BILLING_ACCOUNT = f"providers/Microsoft.Billing/billingAccounts/{ENROLLMENT}"
SUBSCRIPTION_SCOPE = f"subscriptions/{SUBSCRIPTION}"

# Rows and exact totals of the files, as published with the data; everything else is computed and checked against them.
KNOWN = {
    ACTUAL: (11, "8.5450077867419368"),
    AMORTIZED: (28, "16.2969321366366446274854190000"),
    GENERATED: (90, "76.9066608779941113259"),
}

decimal.getcontext().prec = 100


def rows(path):
    """The rows of a bundled export."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def cost(row):
    return row.get("Cost") or row["CostInBillingCurrency"]


def total(costs):
    return f"{sum(map(decimal.Decimal, costs)):f}"


def check_sources():
    """The expectations are worth nothing when the sources are not the published ones."""
    for path, known in KNOWN.items():
        costs = [cost(row) for row in rows(path)]
        assert (len(costs), total(costs)) == known, f"{path.name} is not the published file"


def usage_of(subscription):
    """What a subscription scope shows: its usage, and no purchases."""
    return lambda row: row["SubscriptionId"].lower() == subscription and row["ChargeType"] == "Usage"


def everything(_row):
    return True


def completed(path, seen=everything, blobs_min=1):
    costs = [cost(row) for row in rows(path) if seen(row)]
    return {"status": "Completed", "costs": costs, "total": total(costs), "blobs_min": blobs_min}


def case(name, scope, request, expect, key="sample"):
    return {"name": name, "scope": scope, "request": request, "expect": expect, "key": key}


def report_cases():
    """Both scopes, both datasets, every way to name the time, and the ends other than completion."""
    month = {"timePeriod": {"start": "2023-09-01", "end": "2023-09-30"}}
    times = {"time period": month, "billing period": {"billingPeriod": PERIOD}, "current period": {}}
    cases = []
    for path, metric in [(ACTUAL, "ActualCost"), (AMORTIZED, "AmortizedCost")]:
        for scope, seen in [(BILLING_ACCOUNT, everything), (SUBSCRIPTION_SCOPE, usage_of(SUBSCRIPTION))]:
            kind = "billing account" if seen is everything else "subscription"
            expect = completed(path, seen)
            for name, time in times.items():
                cases.append(case(f"{kind}, {metric}, {name}", scope, {"metric": metric, **time}, expect))
            request = {"metric": metric, **times["billing period"]}
            cases.append(case(f"{kind} with a leading slash, {metric}", f"/{scope}", request, expect))
            cases.append(case(f"{kind} in other case, {metric}", scope.upper(), request, expect))
    return cases + time_cases(month) + generated_cases() + refused_cases(month)


def time_cases(month):
    two_days = {"timePeriod": {"start": "2023-09-04", "end": "2023-09-05"}}
    instants = {"timePeriod": {"start": "2023-09-04T00:00:00Z", "end": "2023-09-05T23:59:59Z"}}
    in_two_days = completed(ACTUAL, lambda row: row["Date"] in ("09/04/2023", "09/05/2023"))
    not_held = {"status": "Failed", "text": "AmortizedCost"}
    return [
        case("no metric is ActualCost", BILLING_ACCOUNT, month, completed(ACTUAL)),
        case("two days", BILLING_ACCOUNT, two_days, in_two_days),
        case("days written as instants", BILLING_ACCOUNT, instants, in_two_days),
        case("month that nothing is held of", BILLING_ACCOUNT, {"billingPeriod": "202201"}, {"status": "NoDataFound"}),
        case("month emptied by an export", BILLING_ACCOUNT, {"billingPeriod": EMPTIED_PERIOD}, {"status": "NoDataFound"}),
        case(
            "only the other dataset is held", BILLING_ACCOUNT,
            {"metric": "AmortizedCost", "billingPeriod": EMPTIED_PERIOD}, not_held,
        ),
    ]  # fmt: skip


def generated_cases():
    account = f"providers/Microsoft.Billing/billingAccounts/{GENERATED_ENROLLMENT}"
    subscription = f"subscriptions/{GENERATED_SUBSCRIPTION}"
    request = {"metric": "ActualCost", "billingPeriod": GENERATED_PERIOD}
    return [
        case("third-party export, billing account", account, request, completed(GENERATED), "generated"),
        case("third-party export, subscription", subscription, request, completed(GENERATED), "generated"),
        case("third-party export, current period", account, {}, completed(GENERATED), "generated"),
    ]


def refused_cases(month):
    both = {**month, "billingPeriod": PERIOD}
    two_selectors = "can only have either timePeriod or invoiceId or billingPeriod"
    unknown = "providers/Microsoft.Billing/billingAccounts/1111111"
    return [
        case("wrong key", BILLING_ACCOUNT, month, {"http_status": 401, "text": ""}, "wrong"),
        case("key of another enrollment", BILLING_ACCOUNT, month, {"http_status": 403, "text": ""}, "generated"),
        case("unknown enrollment", unknown, month, {"http_status": 404, "text": ""}),
        case("two ways to name the time", BILLING_ACCOUNT, both, {"http_status": 400, "text": two_selectors}),
    ]


def split_cases():
    """A server with small blobs and the usual pause between polls, and a client with no option at all."""
    return [
        case(f"many blobs, {metric}", BILLING_ACCOUNT, {"metric": metric, "billingPeriod": PERIOD}, completed(path, blobs_min=3))
        for path, metric in [(ACTUAL, "ActualCost"), (AMORTIZED, "AmortizedCost")]
    ]  # fmt: skip


def sums(actual):
    """What the lake must hold, by partition, with this ActualCost export of the sample enrollment."""
    held = {
        f"{ENROLLMENT}/ActualCost/{PERIOD}": actual,
        f"{ENROLLMENT}/AmortizedCost/{PERIOD}": AMORTIZED,
        f"{GENERATED_ENROLLMENT}/ActualCost/{GENERATED_PERIOD}": GENERATED,
    }
    costs = {name: [cost(row) for row in rows(path)] for name, path in held.items()}
    return {name: [len(texts), total(texts)] for name, texts in costs.items()}


def lake_cases(engine, now, earlier_version, earlier):
    return [
        {"name": f"{engine}, newest version", "engine": engine, "version": None, "sums": sums(now)},
        {"name": f"{engine}, earlier version", "engine": engine, "version": earlier_version, "sums": sums(earlier)},
    ]


def shortened(path, folder, row_count):
    """An export with fewer rows: what a later run of a restated month looks like."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    target = pathlib.Path(folder) / f"{path.stem}_{row_count}_rows.csv"
    target.write_text("".join(lines[: row_count + 1]), encoding="utf-8")
    return target
