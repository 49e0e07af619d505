"""Cases of the client tier: the charges of a billed enrollment in the lake against their second evaluation.

Runs as the other clients do (`tests/clients/python/harness.py`): the plan names the lake's table and, for each case, the
folder of documents and the instant as of which they were billed. A case without folder holds the evaluation itself against
the worked examples.
"""

import collections
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "clients" / "python"))

import compare
import duckdb
import evaluate
import examples
from harness import run_plan
from sums import active_files

SHOWN = 20


def check_examples():
    counts = collections.Counter()
    failures = list(examples.all_differences(counts))
    assert counts["checks"] and not failures, "\n".join(failures[:SHOWN]) or "no example was found"


def check(plan, case):
    if "folder" not in case:
        check_examples()
        return
    connection = duckdb.connect()
    evaluate.evaluate(connection, case["folder"], case["as_of"])
    evaluated = evaluate.totals(connection)
    assert evaluated, "nothing was evaluated"
    files = ", ".join("'" + file.replace("'", "''") + "'" for file in active_files(plan["table"]))
    reader = f"read_parquet([{files}], hive_partitioning = true, hive_types_autocast = false)"
    charges = f"(SELECT * FROM {reader} WHERE enrollment = '{case['enrollment']}')"
    failures = list(compare.differences(evaluated, compare.lake_totals(duckdb.connect(), charges)))
    shown = "\n".join(failures[:SHOWN])
    assert not failures, f"{len(failures)} of {len(evaluated)} totals differ, the first ones:\n{shown}"


run_plan(check)
