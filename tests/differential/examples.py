"""Checks the evaluation against the worked examples: rows and sums of `tests/native/examples/*/expected.json`.

    python examples.py

What it cannot tell is left to the product's own tests of the same examples: prices of rows, names, and balances.
"""

import collections
import decimal
import json
import pathlib
import sys

import duckdb
import evaluate

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "native" / "examples"
# Columns of Cost Details that the evaluation has, and how it spells them.
COLUMNS = {
    "ChargeType": "charge_type", "PricingModel": "pricing_model", "Date": "day::VARCHAR", "MeterId": "meter",
    "SubscriptionId": "subscription", "ResourceId": "resource", "ProductOrderId": "benefit",
    "InvoiceSectionId": "department", "AccountId": "account",
}  # fmt: skip
SUMS = {"CostInBillingCurrency": ("cost", evaluate.COST_SCALE), "Quantity": ("quantity", evaluate.QUANTITY_SCALE)}

decimal.getcontext().prec = 100


def differences(connection, check):
    """What the selected charges have otherwise than a check says."""
    conditions = ["dataset = ?", "period = ?"]
    values = [check["dataset"], check["period"]]
    for column, value in check["where"].items():
        conditions.append(f"{COLUMNS[column]} = ?")
        values.append(value.lower() if column.endswith("Id") else value)
    chosen = f"FROM owned_charge WHERE {' AND '.join(conditions)}"
    (rows,) = connection.execute(f"SELECT count(*) {chosen}", values).fetchone()
    if rows != check["rows"]:
        yield f"{rows} rows, expected {check['rows']}"
    for column, wanted in check.get("sum", {}).items():
        name, scale = SUMS[column]
        (found,) = connection.execute(f"SELECT coalesce(sum({name}), 0)::VARCHAR {chosen}", values).fetchone()
        found = evaluate.text(found, scale)
        # Only to compare two texts of one number.
        if decimal.Decimal(found) != decimal.Decimal(wanted):
            yield f"{column} is {found}, expected {wanted}"
    for column, wanted in check.get("each", {}).items():
        if column in COLUMNS:
            for (value,) in connection.execute(f"SELECT DISTINCT {COLUMNS[column]} {chosen}", values).fetchall():
                if value != (wanted.lower() if column.endswith("Id") else wanted):
                    yield f"{column} is {value!r}, expected {wanted!r}"


def all_differences(counts):
    """Lines that say which checks of which examples do not hold; counts all checks."""
    for folder in sorted(folder for folder in EXAMPLES.iterdir() if folder.is_dir()):
        expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        counts["examples"] += 1
        for step in expected.get("steps", [expected]):
            connection = duckdb.connect()
            evaluate.evaluate(connection, folder, step["asOf"])
            for check in step["checks"]:
                counts["checks"] += 1
                for failure in differences(connection, check):
                    yield f"{folder.name} at {step['asOf']}: {check['dataset']} {check['period']} {check['where']}: {failure}"


def main():
    counts = collections.Counter()
    failures = list(all_differences(counts))
    for failure in failures:
        print(failure)
    print(f"{counts['examples']} examples, {counts['checks']} checks, {len(failures)} differences")
    sys.exit(1 if failures or not counts["checks"] else 0)


if __name__ == "__main__":
    main()
