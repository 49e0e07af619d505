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

# What the sample enrollment's rows call their one department and their one account; ids they have none.
DEPARTMENT = "ACM"
ACCOUNT = ("acm@testea.onmicrosoft.com", "ACM Team")
# The ids that the owner gives them.
MAPPED = {"department": "4711", "account": "4712"}
GENERATED_DEPARTMENT = "96563168"

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
    return f"{sum(map(decimal.Decimal, costs), decimal.Decimal()):f}"


def check_sources():
    """The expectations are worth nothing when the sources are not the published ones."""
    for path, known in KNOWN.items():
        costs = [cost(row) for row in rows(path)]
        assert (len(costs), total(costs)) == known, f"{path.name} is not the published file"


def usage_of(subscription):
    """What a subscription scope shows: its usage, and no purchases."""
    return lambda row: row["SubscriptionId"].lower() == subscription and row["ChargeType"] == "Usage"


def usage(row):
    return row["ChargeType"] == "Usage"


def usage_of_department(row):
    return usage(row) and (row["InvoiceSectionId"], row["InvoiceSection"]) == ("", DEPARTMENT)


def usage_of_account(row):
    return usage(row) and (row["AccountOwnerId"], row["AccountName"]) == ACCOUNT


def everything(_row):
    return True


def completed(path, seen=everything, blobs_min=1):
    costs = [cost(row) for row in rows(path) if seen(row)]
    return {"status": "Completed", "costs": costs, "total": total(costs), "blobs_min": blobs_min}


def case(name, scope, request, expect, key="sample"):
    return {"name": name, "scope": scope, "request": request, "expect": expect, "key": key}


def report_cases():
    """Enrollment and subscription, both datasets, every way to name the time, and the ends other than completion."""
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


def forms(enrollment, kind, id_):
    """Both ways to write a scope below the enrollment."""
    path = {"department": "departments", "account": "enrollmentAccounts"}[kind] + f"/{id_}"
    account = f"providers/Microsoft.Billing/billingAccounts/{enrollment}"
    return {"top-level": f"providers/Microsoft.Billing/{path}", "nested": f"{account}/{path}"}


def scope_cases(generated):
    """Departments and accounts by each of their ids, in both forms, with the enrollment's key and with keys of their own.

    `generated` has the ids that the store made for the names, by kind and enrollment.
    """
    cases = []
    seen = {"department": usage_of_department, "account": usage_of_account}
    for path, metric in [(ACTUAL, "ActualCost"), (AMORTIZED, "AmortizedCost")]:
        request = {"metric": metric, "billingPeriod": PERIOD}
        for kind, belongs in seen.items():
            expect = completed(path, belongs)
            for id_name, id_ in {"mapped": MAPPED[kind], "generated": generated[kind, ENROLLMENT]}.items():
                for form, scope in forms(ENROLLMENT, kind, id_).items():
                    for key in ("sample", f"{kind} {id_name}"):
                        name = f"{kind} by {id_name} id, {form}, {metric}, key: {key}"
                        cases.append(case(name, scope, request, expect, key))
                # What a key of the mapped id may read includes the generated one.
                if id_name == "generated":
                    name = f"{kind} by generated id, {metric}, key: {kind} mapped"
                    cases.append(case(name, scope, request, expect, f"{kind} mapped"))
        # The subscription and the account lie within the department, so its key reads them too.
        account = forms(ENROLLMENT, "account", MAPPED["account"])["top-level"]
        name = f"account, {metric}, key: department mapped"
        cases.append(case(name, account, request, completed(path, usage_of_account), "department mapped"))
        for key in ("subscription", "department mapped", "department generated", "account mapped", "account generated"):
            name = f"subscription, {metric}, key: {key}"
            cases.append(case(name, SUBSCRIPTION_SCOPE, request, completed(path, usage_of(SUBSCRIPTION)), key))
    return cases + many_ids_cases(generated) + scope_refused_cases(generated)


def many_ids_cases(generated):
    """A department name with ninety ids, and an account without any."""
    request = {"billingPeriod": GENERATED_PERIOD}
    department = completed(GENERATED, lambda row: row["InvoiceSectionId"] == GENERATED_DEPARTMENT)
    scopes = {
        "department": (forms(GENERATED_ENROLLMENT, "department", GENERATED_DEPARTMENT), department),
        "account": (
            forms(GENERATED_ENROLLMENT, "account", generated["account", GENERATED_ENROLLMENT]), completed(GENERATED)
        ),
    }  # fmt: skip
    return [
        case(f"third-party export, {kind}, {form}", scope, request, expect, "generated")
        for kind, (both, expect) in scopes.items()
        for form, scope in both.items()
    ]


def scope_refused_cases(generated):
    mapped = {kind: forms(ENROLLMENT, kind, id_) for kind, id_ in MAPPED.items()}
    other = forms(GENERATED_ENROLLMENT, "department", GENERATED_DEPARTMENT)
    unknown = forms(ENROLLMENT, "department", "999")
    misplaced = forms(GENERATED_ENROLLMENT, "department", MAPPED["department"])
    refused = [
        ("department's key, billing account", BILLING_ACCOUNT, 403, "department mapped"),
        ("account's key, billing account", BILLING_ACCOUNT, 403, "account mapped"),
        ("account's key, department", mapped["department"]["top-level"], 403, "account mapped"),
        ("subscription's key, account", mapped["account"]["nested"], 403, "subscription"),
        ("subscription's key, department", mapped["department"]["nested"], 403, "subscription"),
        ("subscription's key, another subscription", f"subscriptions/{GENERATED_SUBSCRIPTION}", 403, "subscription"),
        # A key made for the generated id reads what it read then, no more.
        ("generated department's key, mapped id", mapped["department"]["top-level"], 403, "department generated"),
        ("department of another enrollment, top-level", other["top-level"], 403, "sample"),
        ("department of another enrollment, nested", other["nested"], 403, "department mapped"),
        ("department that nobody knows, top-level", unknown["top-level"], 404, "sample"),
        ("department that nobody knows, nested", unknown["nested"], 404, "department mapped"),
        ("department nested in the wrong enrollment", misplaced["nested"], 404, "sample"),
    ]  # fmt: skip
    cases = [case(name, scope, {}, {"http_status": status, "text": ""}, key) for name, scope, status, key in refused]
    # Their policies were on when these keys were made.
    account = forms(GENERATED_ENROLLMENT, "account", generated["account", GENERATED_ENROLLMENT])
    for kind, scope, policy in [("department", other["nested"], "DA"), ("account", account["top-level"], "AO")]:
        expect = {"http_status": 401, "text": f"{policy} view charges"}
        cases.append(case(f"{kind}'s key, policy off", scope, {}, expect, f"{kind} off"))
    return cases


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


def subscriptions():
    """What an enterprise role sees in the list of subscriptions."""
    return sorted({row["SubscriptionId"].lower() for path in (ACTUAL, AMORTIZED) for row in rows(path)})


LOGIN_REQUEST = {"metric": "ActualCost", "billingPeriod": PERIOD}
# Any word names the tenant, but this one also tells a client that the server is not Microsoft's.
OWN_SERVER_TENANT = "adfs"
WRONG_SECRET = {"client_secret": "wrong", "text": "AADSTS7000215: Invalid client secret"}


def az_cases():
    """The CLI from registering the cloud to logging out, and what it tells when it is refused."""
    report = {"action": "report", "scope": BILLING_ACCOUNT, "request": LOGIN_REQUEST, "expect": completed(ACTUAL)}
    generated = f"providers/Microsoft.Billing/billingAccounts/{GENERATED_ENROLLMENT}"
    refused = {"action": "refused login"}
    return [
        {"name": "register a cloud", "action": "register"},
        {"name": "login, list, report, logout", **report},
        {"name": f"login at the tenant {OWN_SERVER_TENANT}", "action": OWN_SERVER_TENANT},
        {"name": "login with a wrong secret", **refused, **WRONG_SECRET},
        {"name": "login at no tenant", **refused, "tenant": None, "text": "AADSTS50059: 'organizations' names no tenant"},
        {"name": "login at what cannot be a tenant", **refused, "tenant": "no_tenant", "text": "AADSTS90002"},
        {
            "name": "report of another enrollment", "action": "refused request", "scope": generated,
            "request": LOGIN_REQUEST, "text": "BillingAccessDenied",
        },
    ]  # fmt: skip


def identity_cases(tenant):
    """Every credential of the SDK, with an option in the code and without."""
    common = {"scope": BILLING_ACCOUNT, "request": LOGIN_REQUEST}
    refused = {"client_secret": WRONG_SECRET["client_secret"], "expect": {"text": WRONG_SECRET["text"]}}
    cases = []
    for credential in ("ClientSecretCredential", "DefaultAzureCredential"):
        for word in (tenant, OWN_SERVER_TENANT):
            own = {"credential": credential, "tenant": word, **common}
            cases.append({"name": f"{credential}, {word}", **own, "expect": completed(ACTUAL)})
            cases.append({"name": f"{credential}, {word}, wrong secret", **own, **refused})
    return cases


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
