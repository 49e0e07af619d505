"""How a client is run: one process with a plan, at a server of the program or over its files."""

import collections
import json
import os
import pathlib
import subprocess
import urllib.parse

import plans
from environments import HERE, hermetic_variables, offline_variables
from program import ProgramError

# All cases of one client together.
CLIENT_SECONDS_MAX = 600
# A script of `python/` or `javascript/` with the plan that it is given.
Client = collections.namedtuple("Client", "label environment_name script plan")


def client_command(environment_name, folder, script, plan_path):
    """The command that runs a client script, and its variables."""
    variables = hermetic_variables()
    if environment_name != "javascript":
        return [folder / "bin" / "python", HERE / "python" / script, plan_path], variables
    variables["PATH"] = os.pathsep.join([str(folder / "bin"), variables.get("PATH", "")])
    variables["NODE_PATH"] = str(folder / "node_modules")
    return [folder / "bin" / "node", HERE / "javascript" / script, plan_path], variables


def run_client(results, label, installed, environment_name, script, plan, scratch):
    """Runs a client over a plan. Cases that it does not report have failed."""
    open_cases = [case["name"] for case in plan["cases"]]
    folder = installed[environment_name]
    if isinstance(folder, Exception):
        for name in open_cases:
            results.add(f"{label}: {name}", "the client could not be installed, see above")
        return
    plan_path = scratch / "plan.json"
    plan_path.write_text(json.dumps(plan), encoding="utf-8")
    command, variables = client_command(environment_name, folder, script, plan_path)
    if "endpoint" in plan:
        variables.update(offline_variables(urllib.parse.urlsplit(plan["endpoint"]).hostname))
        variables["NODE_EXTRA_CA_CERTS"] = plan["ca"]
    ending, output, errors = run_to_end(command, variables)
    for line in output.splitlines():
        report = json.loads(line)
        open_cases.remove(report["case"])
        results.add(f"{label}: {report['case']}", report["failure"])
    for name in open_cases:
        results.add(f"{label}: {name}", f"the client told nothing about it and {ending}:\n{errors}")
    if not open_cases and ending != "ended with 0":
        results.add(f"{label}: end", f"the client {ending}:\n{errors}")


def run_to_end(command, variables):
    """How a client ended, what it printed, and what it complained about."""
    process = subprocess.Popen(
        [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=variables,
    )  # fmt: skip
    try:
        output, errors = process.communicate(timeout=CLIENT_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        return f"did not end within {CLIENT_SECONDS_MAX} s", output, errors
    return f"ended with {process.returncode}", output, errors


def import_and_check(program, path, expected_key, *options):
    """Imports a bundled file and compares rows and exact total with the published ones."""
    entry = program.imports(path, *options)[expected_key]
    costs = [plans.cost(row) for row in plans.rows(path)]
    expected = (len(costs), plans.total(costs))
    assert (entry["rows"], entry["total"]) == expected, f"{entry} is not {expected}"
    return entry


def verify(program):
    answer = program.command("verify")
    assert answer["ok"] is True and answer["violations"] == [], f"{answer}"


def run_at_server(results, installed, program, clients, options, scratch):
    """One server, and one client after the other at it."""
    name = f"program: serve {' '.join(options)}".rstrip()
    started = False
    try:
        with program.serving("--clock", "latest-held", *options) as ready:
            started = True
            server = {"endpoint": ready["https"].rstrip("/"), "ca": str(pathlib.Path(ready["ca"]).resolve())}
            for client in clients:
                failed = results.failed
                plan = {**client.plan, **server}
                run_client(results, client.label, installed, client.environment_name, client.script, plan, scratch)
                if results.failed > failed:
                    print(f"      end of the server's log:\n{program.log_tail()}", flush=True)
    except (ProgramError, OSError) as error:
        results.add(name, str(error))
        for client in [] if started else clients:
            for case in client.plan["cases"]:
                results.add(f"{client.label}: {case['name']}", "the server did not start")
    else:
        results.add(name)
