"""Enrollments, departments, enrollment accounts and billing periods by Microsoft's clients of two generations and az: computed
from the generated export alone."""

import collections

import plans
from consumption_plans import LARGE_ENROLLMENT, LARGE_PERIOD
from driving import Client, import_and_check, run_at_server, verify
from program import Program
from results import step

ROWS = 500
NEXT_PERIOD = "202502"
NEWER = ("account", "department", "enrollment account", "accounts of a department")
OLDER = ("billing period", "principal")


def test_accounts(results, installed, binary, scratch):
    """Every client at one server, over HTTPS."""
    program = Program(binary, scratch / "accounts")
    exports = [scratch / "accounts-1.csv", scratch / "accounts-2.csv"]
    login = step(results, "accounts: import, make a key", lambda: prepare(program, exports))
    if login is None:
        return
    expected = expectations([row for path in exports for row in plans.rows(path)])
    who = {"key": login["key"], "expected": expected}
    cases = lambda kinds: [{"name": f"{kind}, {way}", "kind": kind, "way": way} for kind in kinds for way in ("all", "one")]
    clients = [
        Client("python billing 8", "billing-8", "accounts.py", {**who, "cases": cases(NEWER)}),
        Client("python billing 1", "billing-1", "accounts.py", {**who, "cases": cases(OLDER)}),
    ]
    login = {"tenant": "contoso.example", "client_id": login["id"], "client_secret": login["key"]}
    az = [{"name": "account list"}, {"name": "period list"}, {"name": "period show"}]
    clients.append(Client("az billing", "azure-cli", "az_accounts.py", {**login, "expected": expected, "cases": az}))
    run_at_server(results, installed, program, clients, [], scratch)
    step(results, "accounts: verify after all questions", lambda: verify(program))


def prepare(program, exports):
    """Imports two months, and makes a key."""
    for path, period, seed in zip(exports, (LARGE_PERIOD, NEXT_PERIOD), ("1", "2"), strict=True):
        options = ["--rows", str(ROWS), "--enrollment", LARGE_ENROLLMENT, "--first-month", period, "--seed", seed]
        program.sample(path, *options)
        import_and_check(program, path, (LARGE_ENROLLMENT, "ActualCost", period), "--dataset", "ActualCost")
    return program.login(LARGE_ENROLLMENT)


def expectations(rows):
    """What the exports say, as the clients are to find it: names and further facts by id."""
    departments, accounts, within = {}, {}, collections.defaultdict(set)
    for row in rows:
        departments[row["InvoiceSectionId"]] = row["InvoiceSectionName"]
        accounts[row["AccountId"]] = [row["AccountName"], row["AccountOwnerId"]]
        within[row["AccountId"]].add(row["InvoiceSectionId"])
    return {
        "enrollment": LARGE_ENROLLMENT,
        "name": rows[0]["BillingAccountName"],
        "currency": rows[0]["BillingCurrencyCode"],
        "departments": departments,
        "accounts": accounts,
        "within": {account: sorted(departments) for account, departments in within.items()},
        "periods": [[f"{NEXT_PERIOD}-1", "2025-02-01", "2025-02-28"], [f"{LARGE_PERIOD}-1", "2025-01-01", "2025-01-31"]],
        "subscription": rows[0]["SubscriptionId"],
    }
