"""Drives the server with the Azure CLI: registers a cloud, logs a service principal in, asks for a report, logs out.

Each case has its own configuration folder.

The plan has `endpoint`, `ca`, `tenant`, `client_id`, `client_secret`, `subscriptions` and `cases`. A case has an
`action` of `ACTIONS` and what that action needs.
"""

from az_cli import CLOUD, CommandFailed, registered
from blobs import check_costs
from harness import run_plan, same


def ids(accounts):
    return sorted(account["id"].lower() for account in accounts)


def check_registered(plan, _case):
    with registered(plan) as az:
        cloud = az.ask("cloud", "show", "--name", CLOUD)
        same("resource manager of the cloud", cloud["endpoints"]["resourceManager"], plan["endpoint"])
        same("login endpoint of the cloud", cloud["endpoints"]["activeDirectory"].rstrip("/"), plan["endpoint"])


def check_report(plan, case):
    """From the login to the logout, with a report in between."""
    with registered(plan) as az:
        same("subscriptions that the login found", ids(az.login(plan["tenant"], plan["client_secret"])), ids_expected(plan))
        accounts = az.ask("account", "list")
        same("subscriptions of `account list`", ids(accounts), ids_expected(plan))
        same("clouds of `account list`", {account["cloudName"] for account in accounts}, {CLOUD})
        result = az.report(case["scope"], case["request"])
        same("status of the report", result["status"], "Completed")
        manifest = result["manifest"]
        blobs = [az.download(blob["blobLink"]) for blob in manifest["blobs"]]
        same("blob sizes", [len(blob) for blob in blobs], [blob["byteCount"] for blob in manifest["blobs"]])
        check_costs(blobs, case["expect"])
        az.run("logout")
        same("subscriptions after the logout", az.ask("account", "list"), [])


def ids_expected(plan):
    return sorted(subscription.lower() for subscription in plan["subscriptions"])


def check_adfs(plan, _case):
    """The tenant that means a server of one's own: the login asks Microsoft nothing, without being told so.

    Only the login: a logout of the CLI asks for the tenant `organizations`, whatever tenant the account has.
    """
    with registered(plan) as az:
        az.run("config", "unset", "core.instance_discovery")
        same("subscriptions that the login found", ids(az.login("adfs", plan["client_secret"])), ids_expected(plan))


def check_refused_login(plan, case):
    """A readable reason, and no stack trace of the CLI."""
    with registered(plan) as az:
        try:
            az.login(case.get("tenant", plan["tenant"]), case.get("client_secret", plan["client_secret"]))
        except CommandFailed as error:
            assert case["text"] in str(error), f"{case['text']!r} is not in {error}"
            assert "Traceback" not in str(error), f"the CLI broke: {error}"
        else:
            raise AssertionError("the login should have been refused")
        same("accounts after a refused login", az.ask("account", "list"), [])


def check_refused_request(plan, case):
    """An error of the server reaches the user with its code and message."""
    with registered(plan) as az:
        az.login(plan["tenant"], plan["client_secret"])
        try:
            az.report(case["scope"], case["request"])
        except CommandFailed as error:
            assert case["text"] in str(error), f"{case['text']!r} is not in {error}"
        else:
            raise AssertionError("the report should have been refused")


ACTIONS = {
    "register": check_registered,
    "report": check_report,
    "adfs": check_adfs,
    "refused login": check_refused_login,
    "refused request": check_refused_request,
}

run_plan(lambda plan, case: ACTIONS[case["action"]](plan, case))
