"""What the clients of the Consumption API are asked to do, and what must come back: computed from the exports alone.

Each client is asked whatever it can say: the scopes that its api-version has, both ways to name a period, and its
parameters.
"""

import collections
import csv
import io
import json
import math

import plans
from environments import ROOT

# A generated enrollment whose answers have several pages of the usual size.
LARGE_ENROLLMENT = "8611001"
LARGE_ROWS = 3500
LARGE_PERIOD = "202501"
LARGE_DEPARTMENT = "40001"
LARGE_ACCOUNT = "211235"
PAGE_ROWS = 1000
# As many generated subscriptions together have more rows than a page.
LARGE_SUBSCRIPTIONS = 6
BALANCE = ROOT / "crates/api/tests/data/balances/2024-08-01-BalancesByBillingAccountForBillingPeriod.json"
BODY = '"body": '
# What the sample's first-party usage is, which older api-versions show alone: known apart from the rest of the file.
FIRST_PARTY_KNOWN = (10, "5.2950077867419368")
# More digits than a binary number has.
BALANCE_AMOUNT = "609.8200000000000000000001"
NO_PERIOD = "202308"

ALL_KINDS = ("billingAccount", "department", "enrollmentAccount", "subscription")
PYTHON = "consumption.py"
JAVASCRIPT = "consumption.cjs"
# A client, its form of rows, and what its api-version can say.
Version = collections.namedtuple(
    "Version", "label environment script package form kinds refunds download",
    defaults=(PYTHON, None, "newer", ALL_KINDS, False, False),
)  # fmt: skip
VERSIONS = [
    Version("python consumption 11", "consumption-11", refunds=True),
    Version("python consumption 10", "consumption-10"),
    Version("python consumption 8", "consumption-8"),
    Version("python consumption 3", "consumption-3", download=True),
    Version("python consumption 2", "consumption-2", form="older", kinds=("subscription",)),
    Version("javascript consumption 9", "javascript", JAVASCRIPT, "@azure/arm-consumption"),
    Version("javascript consumption 6.3", "javascript", JAVASCRIPT, "azure-arm-consumption", form="older"),
]
SCOPES = {
    "billingAccount": "providers/Microsoft.Billing/billingAccounts/{}",
    "department": "providers/Microsoft.Billing/departments/{}",
    "enrollmentAccount": "providers/Microsoft.Billing/enrollmentAccounts/{}",
    "subscription": "subscriptions/{}",
}
PERIODS = {"": "/providers/Microsoft.Billing/billingPeriods/{}", "direct ": "/billingPeriods/{}"}
EXPAND = {
    "newer": "properties/meterDetails,properties/additionalInfo",
    "older": "properties/meterDetails,properties/additionalProperties",
}


def iso(date):
    month, day, year = date.split("/")
    return f"{year}-{month}-{day}"


def with_a_large_subscription(text):
    """A generated export in which one subscription has more rows than a page."""
    counts = collections.Counter(row["SubscriptionId"] for row in csv.DictReader(io.StringIO(text, newline="")))
    (large, _), *others = counts.most_common(LARGE_SUBSCRIPTIONS)
    for other, _ in others:
        text = text.replace(other, large)
    return text


def usage(row):
    return row["ChargeType"] == "Usage"


def first_party(row):
    return usage(row) and row["PublisherType"] != "Marketplace"


def check_first_party():
    """What older api-versions show of the sample is as published, like the whole file (`plans.check_sources`)."""
    costs = [plans.cost(row) for row in plans.rows(plans.ACTUAL) if first_party(row)]
    assert (len(costs), plans.total(costs)) == FIRST_PARTY_KNOWN, f"{plans.ACTUAL.name} has other first-party usage"


def belongs(kind, id_):
    """Whether a row is shown at a scope. Only the billing account sees more than usage."""
    if kind == "billingAccount":
        return plans.everything
    column = {"department": "InvoiceSectionId", "enrollmentAccount": "AccountId", "subscription": "SubscriptionId"}[kind]
    return lambda row: usage(row) and row[column].lower() == id_.lower()


def balance_properties(refunds):
    """The members of the balance, numbers as their texts."""
    properties = json.loads(balance_text(), parse_float=str, parse_int=str)["properties"]
    if not refunds:
        del properties["overageRefund"]
    return {**properties, "currency": properties["currency"].strip()}


def balance_text():
    """The published example, as if it were of the sample enrollment, and with an amount of many digits."""
    text = BALANCE.read_text(encoding="utf-8")
    for old, new in [("123456", plans.ENROLLMENT), ("201702", plans.PERIOD), ("609.82", BALANCE_AMOUNT)]:
        assert old in text, f"the example of a balance has no {old}"
        text = text.replace(old, new)
    # The answer alone, as it was written: without a way through binary numbers.
    start = text.index(BODY) + len(BODY)
    _, end = json.JSONDecoder().raw_decode(text, start)
    return text[start:end]


class Plan:
    """The cases of one client, and the tables of rows that they share."""

    def __init__(self, version, ids, large):
        self.version = version
        self.ids = ids
        self.sources = {
            "actual": plans.rows(plans.ACTUAL),
            "amortized": plans.rows(plans.AMORTIZED),
            "large": plans.rows(large),
        }
        self.tables = {}
        self.cases = []

    def whole(self, keys):
        version = self.version
        return {
            "keys": keys, "form": version.form, "package": version.package, "tables": self.tables, "cases": self.cases,
        }  # fmt: skip

    def expect(self, source, seen, top, expanded):
        """The rows that must come back, on how many pages, with what sum."""
        shown = first_party if self.version.form == "older" else plans.everything
        rows = [row for row in self.sources[source] if shown(row) and seen(row)]
        table = [[iso(row["Date"]), row["MeterId"], plans.cost(row)] for row in rows]
        name = next((name for name, known in self.tables.items() if known == table), f"table {len(self.tables)}")
        self.tables[name] = table
        total = plans.total(plans.cost(row) for row in rows)
        pages = max(1, math.ceil(len(rows) / (top or PAGE_ROWS)))
        return {"table": name, "total": total, "pages": pages, "expanded": expanded and bool(rows)}

    def add(self, name, kind, id_, **question):
        """A walk. `source` and `seen` say what must come back, or `refused` with what status and code not."""
        if kind not in self.version.kinds:
            return
        source, seen, refused = question.pop("source", "actual"), question.pop("seen", None), question.pop("refused", None)
        key, asks, slash = question.pop("key", "sample"), question.pop("asks", "usage"), question.pop("slash", "")
        period, form = question.pop("period", None), question.pop("form", "")
        scope = slash + SCOPES[kind].format(id_) + (PERIODS[form].format(period) if period else "")
        expect = refused or self.expect(source, seen or belongs(kind, id_), question.get("top"), "expand" in question)
        self.cases.append({
            "name": name, "asks": asks, "key": key, "kind": kind, "id": id_, "period": period, "scope": scope,
            "subscription": id_ if kind == "subscription" else plans.SUBSCRIPTION, "options": question, "expect": expect,
        })  # fmt: skip

    def balance(self, name, period, key="sample", refused=None):
        if self.version.kinds == ("subscription",):
            return
        expect = refused or {"properties": balance_properties(self.version.refunds)}
        self.cases.append({
            "name": name, "asks": "balance", "key": key, "enrollment": plans.ENROLLMENT, "period": period,
            "subscription": plans.SUBSCRIPTION, "expect": expect,
        })  # fmt: skip


def refused(status, code):
    return {"http_status": status, "code": code}


def plan(version, ids, keys, large):
    """Everything for one client. `ids` are those of the store, by kind; `large` is the generated export."""
    made = Plan(version, ids, large)
    scope_cases(made)
    parameter_cases(made)
    large_cases(made)
    refused_cases(made)
    balance_cases(made)
    if version.form == "newer":
        metric_cases(made)
    if version.download:
        download_cases(made)
    return made.whole(keys)


def sample_scopes(made):
    """Every scope of the sample enrollment, all of whose rows are of one department and one account, with its rows."""
    return [
        ("billingAccount", plans.ENROLLMENT, None),
        ("department", made.ids["department"], usage),
        ("enrollmentAccount", made.ids["account"], usage),
        ("subscription", plans.SUBSCRIPTION, None),
    ]


def scope_cases(made):
    for kind, id_, seen in sample_scopes(made):
        made.add(f"{kind}, current period", kind, id_, seen=seen)
        made.add(f"{kind}, billing period", kind, id_, seen=seen, period=plans.PERIOD)
        made.add(f"{kind}, month without rows", kind, id_, seen=nothing, period=NO_PERIOD)
        if made.version.form == "newer":
            made.add(f"{kind}, direct billing period", kind, id_, seen=seen, period=plans.PERIOD, form="direct ")
            made.add(f"{kind} with a leading slash", kind, id_, seen=seen, slash="/")


def both(one, other):
    return lambda row: one(row) and other(row)


def between(first, last):
    return lambda row: first <= iso(row["Date"]) <= last


def tagged(row):
    return '"costcenter": "subacm"' in row["Tags"].lower()


def nothing(_row):
    return False


def parameter_cases(made):
    expand = EXPAND[made.version.form]
    first, last = "2023-09-04", "2023-09-05"
    filters = {
        "tags eq 'CostCenter:SubACM'": tagged,
        f"properties/usageStart ge '{first}' and properties/usageEnd le '{last}'": between(first, last),
    }
    for kind, id_ in [("billingAccount", plans.ENROLLMENT), ("subscription", plans.SUBSCRIPTION)]:
        made.add(f"{kind}, expanded", kind, id_, expand=expand)
        made.add(f"{kind}, top", kind, id_, top=2)
        for filter_, condition in filters.items():
            seen = both(belongs(kind, id_), condition)
            made.add(f"{kind}, {filter_}", kind, id_, seen=seen, filter=filter_)
            made.add(f"{kind}, all at once, {filter_}", kind, id_, seen=seen, filter=filter_, expand=expand, top=1)


def metric_cases(made):
    for kind, id_, _ in sample_scopes(made):
        seen = plans.everything if kind != "subscription" else None
        made.add(f"{kind}, amortizedcost", kind, id_, source="amortized", seen=seen, metric="amortizedcost")
        made.add(
            f"{kind}, amortizedcost, billing period, expanded", kind, id_, source="amortized", seen=seen,
            metric="amortizedcost", period=plans.PERIOD, expand=EXPAND["newer"], top=5,
        )  # fmt: skip
    made.add("actualcost", "billingAccount", plans.ENROLLMENT, metric="actualcost")
    made.add("usage", "billingAccount", plans.ENROLLMENT, seen=first_party, metric="usage")
    made.add(
        "charge type of a purchase", "billingAccount", plans.ENROLLMENT, seen=lambda row: not usage(row),
        filter="properties/chargeType eq 'Purchase'",
    )  # fmt: skip


def largest_subscription(rows):
    (subscription, _), *_ = collections.Counter(row["SubscriptionId"] for row in rows).most_common(1)
    return subscription


def large_cases(made):
    """Several pages, of the usual size and of others. The department's key sees its part and nothing else."""
    common = {"source": "large", "key": "large"}
    subscription = largest_subscription(made.sources["large"])
    first, last = "2025-01-05", "2025-01-08"
    days = f"properties/usageStart ge '{first}' and properties/usageEnd le '{last}'"
    made.add("large, billing account", "billingAccount", LARGE_ENROLLMENT, **common)
    made.add("large, account, top", "enrollmentAccount", LARGE_ACCOUNT, top=200, **common)
    if made.version.kinds == ("subscription",):
        made.add("large, subscription", "subscription", subscription, period=LARGE_PERIOD, **common)
    made.add(
        "large, all parameters", "billingAccount", LARGE_ENROLLMENT, filter=days, expand=EXPAND[made.version.form], top=150,
        seen=between(first, last), **common,
    )  # fmt: skip
    common["key"] = "large department"
    made.add("large, department's key", "department", LARGE_DEPARTMENT, **common)
    shared = both(belongs("department", LARGE_DEPARTMENT), belongs("subscription", subscription))
    made.add("large, department's key, subscription", "subscription", subscription, seen=shared, **common)


def refused_cases(made):
    for kind, id_, _ in sample_scopes(made):
        made.add(f"{kind}, wrong key", kind, id_, key="wrong", refused=refused(401, "InvalidAuthenticationToken"))
        code = "RBACAccessDenied" if kind == "subscription" else "BillingAccessDenied"
        made.add(f"{kind}, key of another enrollment", kind, id_, key="large", refused=refused(403, code))
        made.add(f"{kind}, a filter that cannot be", kind, id_, filter="properties/x", refused=refused(400, "BadRequest"))
    for kind, id_ in [("billingAccount", LARGE_ENROLLMENT), ("department", "40002")]:
        denied = refused(403, "BillingAccessDenied")
        made.add(f"{kind}, key of one department", kind, id_, key="large department", refused=denied)


def balance_cases(made):
    made.balance("balance, current period", None)
    made.balance("balance, billing period", plans.PERIOD)
    made.balance("balance, period without one", NO_PERIOD, refused=refused(404, "NotFound"))
    for period in (None, plans.PERIOD):
        when = "current period" if period is None else "billing period"
        made.balance(f"balance, {when}, department's key", period, "department", refused(403, "BillingAccessDenied"))


def download_cases(made):
    for kind, id_, seen in sample_scopes(made):
        made.add(f"{kind}, download", kind, id_, asks="download", seen=seen)
    made.add(
        "download, amortizedcost, billing period", "billingAccount", plans.ENROLLMENT, asks="download", source="amortized",
        period=plans.PERIOD, metric="amortizedcost",
    )  # fmt: skip
    made.add("download, large", "billingAccount", LARGE_ENROLLMENT, asks="download", source="large", key="large")
