"""The Consumption API by Microsoft's clients of every generation: usage details, balances, downloads."""

import plans
from az_usage_plans import az_plan
from consumption_plans import (
    LARGE_DEPARTMENT, LARGE_ENROLLMENT, LARGE_PERIOD, LARGE_ROWS, VERSIONS, balance_text, check_first_party, plan,
    with_a_large_subscription,
)  # fmt: skip
from driving import Client, import_and_check, run_at_server, verify
from program import Program
from results import step


# The Python SDK (10 and 11) and az end with an error at the 204 that the original may send from 2021-10-01 on.
SETTINGS = "no_content = false\n"


def test_consumption(results, installed, binary, scratch):
    """Every client at one server, over HTTPS."""
    program = Program(binary, scratch / "consumption")
    large = scratch / "large.csv"
    prepared = step(results, "consumption: import, make keys", lambda: prepare(program, large, scratch))
    if prepared is None:
        return
    ids, keys, login = prepared
    clients = [
        Client(version.label, version.environment, version.script, plan(version, ids, keys, large)) for version in VERSIONS
    ]
    who = {"tenant": "contoso.example", "client_id": login["id"], "client_secret": login["key"]}
    clients.append(Client("az consumption", "azure-cli", "az_usage.py", {**who, **az_plan(large)}))
    settings = scratch / "consumption.toml"
    settings.write_text(SETTINGS, encoding="utf-8")
    run_at_server(results, installed, program, clients, ["--config", str(settings)], scratch)
    step(results, "consumption: verify after all questions", lambda: verify(program))


def prepare(program, large, scratch):
    """Imports charges and a balance, and makes keys; gives the ids of the store, the keys by name, and a login."""
    check_first_party()
    program.sample(large, "--rows", str(LARGE_ROWS), "--enrollment", LARGE_ENROLLMENT, "--first-month", LARGE_PERIOD)
    text = large.read_bytes().decode("utf-8-sig")
    large.write_bytes(with_a_large_subscription(text).encode("utf-8"))
    import_and_check(program, plans.ACTUAL, (plans.ENROLLMENT, "ActualCost", plans.PERIOD))
    import_and_check(program, plans.AMORTIZED, (plans.ENROLLMENT, "AmortizedCost", plans.PERIOD))
    import_and_check(program, large, (LARGE_ENROLLMENT, "ActualCost", LARGE_PERIOD), "--dataset", "ActualCost")
    balance = scratch / "balance.json"
    balance.write_text(balance_text(), encoding="utf-8")
    held = program.command("import", balance)["balances"]
    assert [(one["enrollment"], one["period"]) for one in held] == [(plans.ENROLLMENT, plans.PERIOD)], f"{held}"
    for enrollment in (plans.ENROLLMENT, LARGE_ENROLLMENT):
        program.command("enrollment", "policy", "--enrollment", enrollment, "--da-view-charges", "on")
    ids = ids_of_store(program)
    login = program.login(LARGE_ENROLLMENT)
    keys = {
        "sample": program.key(plans.ENROLLMENT),
        "department": program.key(plans.ENROLLMENT, "--department", ids["department"]),
        "large": login["key"],
        "large department": program.key(LARGE_ENROLLMENT, "--department", LARGE_DEPARTMENT),
    }
    # A key of the right form that nobody was given.
    keys["wrong"] = keys["sample"][:-6] + keys["sample"][-6:].swapcase()[::-1]
    return ids, keys, login


def ids_of_store(program):
    """What the store calls the one department and the one account of the sample enrollment."""
    for known in program.command("status")["hierarchies"]:
        if known["enrollment"] == plans.ENROLLMENT:
            (department,), (account,) = known["departments"], known["accounts"]
            return {"department": department["id"], "account": account["id"]}
    raise AssertionError(f"the store knows no names of {plans.ENROLLMENT}")
