"""Evaluates the native documents of a folder in plain SQL, without the product.

    python evaluate.py FOLDER AS_OF          prints the totals as JSON lines

Every statement is under `sql/`, written from the billing rules alone. Here they are only run, one statement per benefit in
the order of benefits where usage is covered. Nothing is computed in Python: decimals are integers of a fixed scale in the
database, and become text at the end.
"""

import json
import pathlib
import sys

import load

SQL = pathlib.Path(__file__).resolve().parent / "sql"
COST_SCALE, QUANTITY_SCALE = 24, 18

# What totals are by, and of which charges. Meters are named by usage alone.
GROUPS = {
    "day": ("day", "true"),
    "charge type": ("charge_type || '/' || pricing_model", "true"),
    "meter": ("meter", "charge_type = 'Usage'"),
    "subscription": ("subscription", "true"),
    "department": ("department", "true"),
    "benefit": ("benefit", "true"),
}


def statement(name):
    return (SQL / name).read_text(encoding="utf-8")


def evaluate(connection, folder, as_of):
    """Leaves the charges in the table `owned_charge`."""
    load.load(connection, folder, as_of)
    for name in ["10_arithmetic.sql", "20_usage.sql", "30_benefits.sql"]:
        connection.execute(statement(name))
    taking = {"reservation": "40_reservation.sql", "savingsPlan": "41_savings_plan.sql"}
    order = connection.execute("SELECT benefit, kind FROM benefit_order ORDER BY position").fetchall()
    for benefit, kind in order:
        for name in (taking[kind], "42_take.sql"):
            # Ids come from the documents of this test and hold no quotes; a parameter cannot stand in every place.
            assert "'" not in benefit
            connection.execute(statement(name).replace("$benefit", f"'{benefit}'"))
    for name in ["50_costs.sql", "60_charges.sql"]:
        connection.execute(statement(name))


def totals(connection):
    """Cost and quantity by dataset, period and each kind of group, as decimal texts."""
    found = {}
    for group, (expression, condition) in GROUPS.items():
        rows = connection.execute(
            f"""SELECT dataset, period, {expression}::VARCHAR, sum(cost)::VARCHAR, sum(quantity)::VARCHAR
                FROM owned_charge WHERE {condition} GROUP BY ALL"""
        ).fetchall()
        for dataset, period, key, cost, quantity in rows:
            found[dataset, period, group, key] = text(cost, COST_SCALE), text(quantity, QUANTITY_SCALE)
    return found


def text(integer, scale):
    """The decimal text of a scaled integer, without zeros at its end."""
    sign, digits = ("-", integer[1:]) if integer.startswith("-") else ("", integer)
    digits = digits.rjust(scale + 1, "0")
    fraction = digits[-scale:].rstrip("0")
    shown = digits[:-scale] + ("." + fraction if fraction else "")
    return "0" if shown == "0" else sign + shown


def main():
    import duckdb

    connection = duckdb.connect()
    evaluate(connection, sys.argv[1], sys.argv[2])
    for (dataset, period, group, key), (cost, quantity) in sorted(totals(connection).items()):
        print(json.dumps({"dataset": dataset, "period": period, "by": group, "key": key, "cost": cost, "quantity": quantity}))
    for period, meter, subscription, quantity in connection.execute("SELECT * FROM held_back").fetchall():
        print(json.dumps({"heldBack": meter, "period": period, "subscription": subscription, "quantity": str(quantity)}))


if __name__ == "__main__":
    main()
