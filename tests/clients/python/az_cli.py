"""The Azure CLI against the server: a configuration folder of its own, the cloud registered in it, and a login.

Nothing is changed in the CLI: it is told the address of the cloud, a CA to trust, and not to ask Microsoft whether the
address is known. The CLI keeps tokens in its folder: with one from an earlier login it would take any secret.
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

from blobs import REPORT_SECONDS_MAX
from harness import same

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


class Session:
    """A CLI that is logged in when it is first asked: that takes as long as half of the cases."""

    def __init__(self, end):
        self.end = end
        self.az = None

    def of(self, plan):
        if self.az is None:
            az = self.end.enter_context(registered(plan))
            az.login(plan["tenant"], plan["client_secret"])
            self.az = az
        return self.az
