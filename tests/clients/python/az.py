"""Drives the server with the Azure CLI: registers a cloud, logs a service principal in, asks for a report, logs out.

Nothing is changed in the CLI: it is told the address of the cloud, a CA to trust, and not to ask Microsoft whether the
address is known. Each case has its own configuration folder, for the CLI keeps tokens in it: with one from an earlier
login it would take any secret.

The plan has `endpoint`, `ca`, `tenant`, `client_id`, `client_secret`, `subscriptions` and `cases`. A case has an
`action` of `ACTIONS` and what that action needs.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from blobs import REPORT_SECONDS_MAX, check_costs
from harness import run_plan, same

CLOUD = "Lazurite"
# The newest version that the server knows, and the one of Microsoft's newest SDK.
API_VERSION = "2025-03-01"
# A command takes about a second; on a busy machine the first one compiles half of the CLI.
COMMAND_SECONDS_MAX = 120
POLL_PAUSE_SECONDS = 0.5
LOCATION = re.compile(r"^INFO: +'location': '([^']+)'$", re.MULTILINE | re.IGNORECASE)


class CommandFailed(Exception):
    """A command of the CLI ended with an error; the text is what it printed."""


class Az:
    """The CLI with a configuration folder of its own."""

    def __init__(self, plan, folder):
        self.plan = plan
        self.folder = folder
        self.variables = {
            **os.environ,
            "AZURE_CONFIG_DIR": str(folder),
            "AZURE_EXTENSION_DIR": str(folder / "extensions"),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_SURVEY_MESSAGE": "no",
            "AZURE_CORE_NO_COLOR": "yes",
            "AZURE_CORE_OUTPUT": "json",
            "REQUESTS_CA_BUNDLE": plan["ca"],
        }

    def run(self, *arguments):
        """What a command printed: its answer and its messages."""
        done = subprocess.run(
            [sys.executable, "-m", "azure.cli", *arguments], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=COMMAND_SECONDS_MAX, check=False, env=self.variables,
        )  # fmt: skip
        if done.returncode != 0:
            raise CommandFailed(f"az {arguments[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout, done.stderr

    def ask(self, *arguments):
        """The JSON that a command printed, or nothing."""
        answer, _ = self.run(*arguments)
        return json.loads(answer) if answer.strip() else None

    def register(self):
        """Makes the server the cloud that the CLI talks to."""
        self.run("cloud", "register", "--name", CLOUD, "--endpoint-resource-manager", self.plan["endpoint"])
        self.run("cloud", "set", "--name", CLOUD)
        self.run("config", "set", "core.instance_discovery=false")

    def login(self, tenant, secret):
        principal = ["--username", self.plan["client_id"], "--password", secret]
        in_tenant = [] if tenant is None else ["--tenant", tenant]
        return self.ask("login", "--service-principal", *principal, *in_tenant)

    def report(self, scope, request):
        """Asks for a report, and gives its finished result."""
        url = f"/{scope.lstrip('/')}/providers/Microsoft.CostManagement/generateCostDetailsReport?api-version={API_VERSION}"
        answer, messages = self.run("rest", "--method", "post", "--url", url, "--body", json.dumps(request), "--verbose")
        same("answer to the request for a report", answer, "")
        found = LOCATION.search(messages)
        assert found, f"the CLI was told no Location:\n{messages}"
        return self.result(found.group(1))

    def result(self, location):
        """Asks until there is an answer: the CLI prints nothing for 202."""
        deadline = time.monotonic() + REPORT_SECONDS_MAX
        while time.monotonic() < deadline:
            result = self.ask("rest", "--method", "get", "--url", location)
            if result is not None:
                return result
            time.sleep(POLL_PAUSE_SECONDS)
        raise AssertionError(f"the report has not ended after {REPORT_SECONDS_MAX} s")

    def download(self, link):
        """The bytes of a blob. The link alone is the permission: no header goes with it."""
        target = self.folder / "blob"
        self.run("rest", "--method", "get", "--url", link, "--skip-authorization-header", "--output-file", str(target))
        return target.read_bytes()


@contextlib.contextmanager
def registered(plan):
    """A CLI that knows the cloud and nobody's secret."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lazurite-az-"))
    try:
        az = Az(plan, folder)
        az.register()
        yield az
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
