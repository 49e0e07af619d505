"""Compares the totals of the evaluation with those of the charges that the product gives.

Both sides are summed exactly in DuckDB and compared as decimal texts: one total by dataset, billing period and day, charge
type, meter, subscription, department or benefit.
"""

import evaluate

# The charges of the lake under the names of the evaluation. The lake holds costs with 28 fraction digits and quantities
# with 18; a value that does not fit stands in a text column of its own, which these enrollments never need.
LAKE = """
CREATE OR REPLACE TEMP VIEW owned_charge AS
SELECT
    dataset::VARCHAR AS dataset, billing_period::VARCHAR AS period, date AS day, coalesce(charge_type, '') AS charge_type,
    coalesce(pricing_model, '') AS pricing_model, lower(coalesce(meter_id, '')) AS meter,
    lower(coalesce(subscription_id, '')) AS subscription, coalesce(invoice_section_id, '') AS department,
    lower(coalesce(product_order_id, '')) AS benefit, cost::DECIMAL(38, 24) AS cost, quantity::DECIMAL(38, 18) AS quantity
FROM {}
"""


def lake_totals(connection, source):
    """The totals of charges in the form of the lake: a table or a call of a reader."""
    connection.execute(LAKE.format(source))
    found = {}
    for group, (expression, condition) in evaluate.GROUPS.items():
        rows = connection.execute(
            f"""SELECT dataset, period, {expression}::VARCHAR, sum(cost)::VARCHAR, sum(quantity)::VARCHAR
                FROM owned_charge WHERE {condition} GROUP BY ALL"""
        ).fetchall()
        for dataset, period, key, cost, quantity in rows:
            found[dataset, period, group, key] = plain(cost), plain(quantity)
    return found


def plain(text):
    """Decimal text without zeros at its end."""
    shown = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if shown in ("", "-0") else shown


def differences(evaluated, product):
    """Lines that say where the two have other totals. A total of nothing is as good as none."""
    nothing = ("0", "0")
    for key in sorted(evaluated.keys() | product.keys()):
        ours, theirs = evaluated.get(key, nothing), product.get(key, nothing)
        if ours != theirs:
            yield f"{' '.join(key)}: evaluated cost {ours[0]}, quantity {ours[1]}; the product has {theirs[0]} and {theirs[1]}"
