"""What the client scripts share: the plan they are given, and one JSON line of output per finished case.

A client is given the path of a plan (JSON, see `plans.py`). For each case it prints `{"case": NAME, "failure": TEXT or
null}`. `run.py` counts a case without such a line as failed, so a client that stops early hides nothing.
"""

import json
import sys
import traceback


def run_plan(check):
    """Runs `check(plan, case)` for every case of the plan; what it raises is the case's failure."""
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    for case in plan["cases"]:
        try:
            check(plan, case)
            failure = None
        except AssertionError as error:
            failure = str(error) or traceback.format_exc()
        except Exception:
            failure = traceback.format_exc()
        print(json.dumps({"case": case["name"], "failure": failure}), flush=True)


def same(what, found, expected):
    """Fails unless what was found is what was expected."""
    assert found == expected, f"{what}: found {found!r}, expected {expected!r}"
