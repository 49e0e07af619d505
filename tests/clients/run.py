#!/usr/bin/env python3
"""The client tier of the tests: official SDKs and lake readers against the real program.

    python3 tests/clients/run.py [BINARY]        default: target/debug/lazurite
    python3 tests/clients/run.py --install-only  make the environments and stop

Needs Python 3.11 with python3-venv, and the Python and npm package registries when an environment is made for the first
time. Builds nothing. Prints a line per test and ends with `clients: N passed, N failed, 0 skipped`; there is no way to
skip a test, and a client that cannot be installed has failed all of its tests.
"""

import argparse
import collections
import pathlib
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import plans
import retired
from accounts import test_accounts
from consumption import test_consumption
from demo import test_demo
from driving import Client, import_and_check, run_at_server, run_client, verify
from environments import PYTHON_MIN, ROOT, NotInstalled, environment
from native import test_native
from pins import PYTHON_LISTS
from program import Program
from results import Results, step
from sheets import test_sheets

SDKS = {
    "python SDK 5.0.0": ("sdk-5.0.0", "report.py"),
    "python SDK 4.0.1": ("sdk-4.0.1", "report.py"),
    "javascript SDK": ("javascript", "report.cjs"),
}
ENGINES = {
    "duckdb, files": "readers",
    "duckdb, Delta folder": "duckdb-delta",
    "polars, Delta folder": "readers",
    "polars, files": "readers",
    "deltalake, query": "readers",
}
# A tenant as a script would have it; the server has one of its own, for which any word stands.
LOGIN_TENANT = "contoso.example"
# Small enough for several blobs of the sample files, large enough for their longest row.
SMALL_BLOB_BYTES = 4096


def install_all():
    """Every environment by name, or the reason why it could not be made."""
    installed = {}
    for name in PYTHON_LISTS:
        started = time.monotonic()
        try:
            installed[name] = environment(name)
            print(f"environment {name}: {time.monotonic() - started:.1f} s", flush=True)
        except (NotInstalled, OSError) as error:
            installed[name] = error
            print(f"environment {name}: cannot be made: {error}", flush=True)
    return installed


def fill(results, program, label):
    """Imports all bundled exports into a data folder."""
    key = (plans.ENROLLMENT, "ActualCost", plans.PERIOD)
    amortized = (plans.ENROLLMENT, "AmortizedCost", plans.PERIOD)
    generated = (plans.GENERATED_ENROLLMENT, "ActualCost", plans.GENERATED_PERIOD)
    scope = f"subscriptions/{plans.GENERATED_SUBSCRIPTION}"
    step(results, f"{label}: import ActualCost", lambda: import_and_check(program, plans.ACTUAL, key))
    step(results, f"{label}: import AmortizedCost", lambda: import_and_check(program, plans.AMORTIZED, amortized))
    step(
        results, f"{label}: import a third-party export",
        lambda: import_and_check(program, plans.GENERATED, generated, "--dataset", "ActualCost", "--scope", scope),
    )  # fmt: skip


def empty_a_month(program):
    entry = program.imports(
        plans.NO_ROWS, "--enrollment", plans.ENROLLMENT, "--dataset", "ActualCost", "--period", plans.EMPTIED_PERIOD
    )[plans.ENROLLMENT, "ActualCost", plans.EMPTIED_PERIOD]
    assert (entry["rows"], entry["total"]) == (0, "0"), f"{entry} is not empty"


def import_again(program):
    entry = program.imports(plans.ACTUAL)[plans.ENROLLMENT, "ActualCost", plans.PERIOD]
    assert entry["unchanged"] is True, f"{entry} is not unchanged"


def test_sdks(results, installed, binary, scratch):
    """Every SDK, at all four scopes, over HTTPS."""
    program = Program(binary, scratch / "reports")
    fill(results, program, "program")
    step(results, "program: import a header-only export", lambda: empty_a_month(program))
    step(results, "program: the same bytes again change nothing", lambda: import_again(program))
    keys = step(
        results, "program: create keys",
        lambda: {"sample": program.key(plans.ENROLLMENT), "generated": program.key(plans.GENERATED_ENROLLMENT)},
    ) or {"sample": "none", "generated": "none"}  # fmt: skip
    # A key of the right form that nobody was given.
    keys["wrong"] = keys["sample"][:-6] + keys["sample"][-6:].swapcase()[::-1]
    # Cases whose scopes could not be prepared fail one by one.
    nowhere = collections.defaultdict(lambda: "none"), collections.defaultdict(lambda: "none")
    prepared = step(results, "program: map names, set policies, create keys", lambda: prepare_scopes(program))
    ids, scope_keys = prepared or nowhere
    cases = plans.report_cases() + plans.scope_cases(ids)
    keys = {name: "none" for name in {case["key"] for case in cases}} | keys | scope_keys
    servers = [
        (cases, ["--retry-after", "0"], True),
        (plans.split_cases(), ["--blob-bytes-max", str(SMALL_BLOB_BYTES)], False),
    ]
    for cases, options, poll_at_once in servers:
        plan = {"keys": keys, "cases": cases, "poll_at_once": poll_at_once}
        clients = [Client(label, environment_name, script, plan) for label, (environment_name, script) in SDKS.items()]
        run_at_server(results, installed, program, clients, options, scratch)
    step(results, "program: verify after all reports", lambda: verify(program))


def test_logins(results, installed, binary, scratch):
    """The Azure CLI and the credentials of Microsoft's SDK, which insist on logging in, over HTTPS."""
    program = Program(binary, scratch / "logins")
    fill(results, program, "logins")
    login = step(results, "logins: create a key", lambda: program.login(plans.ENROLLMENT)) or {"id": "none", "key": "none"}
    who = {
        "tenant": LOGIN_TENANT, "client_id": login["id"], "client_secret": login["key"],
        "subscriptions": plans.subscriptions(),
    }  # fmt: skip
    clients = [
        Client("az", "azure-cli", "az.py", {**who, "cases": plans.az_cases()}),
        Client("python identity", "identity", "identity.py", {**who, "cases": plans.identity_cases(LOGIN_TENANT)}),
    ]
    run_at_server(results, installed, program, clients, [], scratch)
    step(results, "logins: neither key nor token is in the log", lambda: no_secret(program.log.read_text(), login["key"]))


def no_secret(log, key):
    assert key not in log, "the log has the key in it"
    # Every token of the store is a JSON object in Base64.
    assert "eyJ" not in log, "the log has a token in it"


def test_retired(results, installed, binary, scratch):
    """A client of the API that Microsoft switched off, as such clients were written, over HTTPS."""
    program, plan = retired.prepare(results, binary, scratch)
    if plan:
        # Its requests come with Microsoft's SDK.
        clients = [Client("retired client", "sdk-5.0.0", "retired.py", plan)]
        run_at_server(results, installed, program, clients, [], scratch)


def test_lake(results, installed, binary, scratch):
    """Readers that know only Parquet and Delta, over a lake with replaced imports in it."""
    program = Program(binary, scratch / "lake")
    table = program.data / "charges"
    fill(results, program, "lake")
    first = plans.shortened(plans.ACTUAL, scratch, 5)
    last = plans.shortened(plans.ACTUAL, scratch, 8)
    key = (plans.ENROLLMENT, "ActualCost", plans.PERIOD)
    replaced = [
        step(results, f"lake: replace by {path.name}", lambda path=path: import_and_check(program, path, key))
        for path in (first, last)
    ]
    stored = len(list(table.rglob("*.parquet")))
    # Three imports of one partition, one of each of the two others.
    step(results, "lake: replaced files are still in the folder", lambda: same_count(stored, 5))
    earlier = int(replaced[0]["revision"]) if replaced[0] else 0
    by_environment = collections.defaultdict(list)
    for engine, environment_name in ENGINES.items():
        by_environment[environment_name] += plans.lake_cases(engine, last, earlier, first)
    for environment_name, cases in by_environment.items():
        plan = {"table": str(table), "files_stored": stored, "cases": cases}
        run_client(results, "lake", installed, environment_name, "sums.py", plan, scratch)
    step(results, "lake: verify", lambda: verify(program))


def generated_ids(program):
    """The ids that the store made for names, by kind and enrollment, mapped names included."""
    found = {}
    for known in program.command("status")["hierarchies"]:
        for kind, nodes in [("department", known["departments"]), ("account", known["accounts"])]:
            of_store = [node["id"] for node in nodes if node["idFrom"] == "generated"]
            of_store += [id_ for node in nodes for id_ in node["also"]]
            if of_store:
                assert len(of_store) == 1 and len(of_store[0]) == 13, f"{kind}s of {known['enrollment']}: {nodes}"
                found[kind, known["enrollment"]] = of_store[0]
    expected = {("department", plans.ENROLLMENT), ("account", plans.ENROLLMENT), ("account", plans.GENERATED_ENROLLMENT)}
    assert found.keys() == expected, f"{found}"
    return found


def prepare_scopes(program):
    """Turns policies on, maps names to ids, and makes a key for every kind of scope; gives generated ids and keys."""
    before = generated_ids(program)
    for enrollment in (plans.ENROLLMENT, plans.GENERATED_ENROLLMENT):
        switches = program.command(
            "enrollment", "policy", "--enrollment", enrollment, "--da-view-charges", "on", "--ao-view-charges", "on"
        )
        assert switches == {"daViewCharges": True, "aoViewCharges": True, "priceHidden": False}, f"{switches}"
    owner, account = plans.ACCOUNT
    for name in [("--department", plans.DEPARTMENT), ("--account", account, "--owner", owner)]:
        id_ = plans.MAPPED[name[0].removeprefix("--")]
        mapped = program.command("enrollment", "map", "--enrollment", plans.ENROLLMENT, *name, "--id", id_)
        assert mapped == {"changed": True}, f"{mapped}"
    after = generated_ids(program)
    assert after == before, f"generated ids were {before} and are {after}"
    keys = {"subscription": program.key(plans.ENROLLMENT, "--subscription", plans.SUBSCRIPTION)}
    for kind, id_ in plans.MAPPED.items():
        keys[f"{kind} mapped"] = program.key(plans.ENROLLMENT, f"--{kind}", id_)
        keys[f"{kind} generated"] = program.key(plans.ENROLLMENT, f"--{kind}", after[kind, plans.ENROLLMENT])
    off = {"department": plans.GENERATED_DEPARTMENT, "account": after["account", plans.GENERATED_ENROLLMENT]}
    for kind, id_ in off.items():
        keys[f"{kind} off"] = program.key(plans.GENERATED_ENROLLMENT, f"--{kind}", id_)
    program.command(
        "enrollment", "policy", "--enrollment", plans.GENERATED_ENROLLMENT, "--da-view-charges", "off",
        "--ao-view-charges", "off",
    )  # fmt: skip
    return after, keys


def same_count(found, expected):
    assert found == expected, f"{found} files, expected {expected}"


def main():
    arguments = argparse.ArgumentParser(description="official SDKs and lake readers against the real program")
    arguments.add_argument("binary", nargs="?", type=pathlib.Path, default=ROOT / "target" / "debug" / "lazurite")
    arguments.add_argument("--install-only", action="store_true", help="make the environments and stop")
    given = arguments.parse_args()
    if sys.version_info < PYTHON_MIN:
        sys.exit(f"the client tests need Python {'.'.join(map(str, PYTHON_MIN))} or newer; this is {sys.version.split()[0]}")
    installed = install_all()
    if given.install_only:
        sys.exit(1 if any(isinstance(folder, Exception) for folder in installed.values()) else 0)
    if not given.binary.is_file():
        sys.exit(f"there is no program at {given.binary}; build it first: cargo build --workspace")
    plans.check_sources()
    results = Results()
    with tempfile.TemporaryDirectory(prefix="lazurite-clients-") as scratch:
        binary, scratch = given.binary.resolve(), pathlib.Path(scratch).resolve()
        test_sdks(results, installed, binary, scratch)
        test_consumption(results, installed, binary, scratch)
        test_accounts(results, installed, binary, scratch)
        test_sheets(results, installed, binary, scratch)
        test_logins(results, installed, binary, scratch)
        test_retired(results, installed, binary, scratch)
        test_lake(results, installed, binary, scratch)
        test_native(results, installed, binary, scratch)
        test_demo(results, installed, binary, scratch)
    print(results.closing_line())
    sys.exit(1 if results.failed or not results.passed else 0)


if __name__ == "__main__":
    main()
