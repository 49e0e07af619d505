"""Native documents as DuckDB tables: enrollment, price sheets and orders flattened, usage read by DuckDB itself.

Numbers become integers: quantities, prices and amounts in units of 10⁻¹². What has more digits than that is refused here,
so that the evaluation never rounds where the rules do not. Ids become lower case, for ids compare without regard to case.
"""

import json
import pathlib

SCALE = 12
# Currencies whose amounts have no hundredths; the generated and the written examples use no others.
MINOR_DIGITS = {"JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3}

USAGE_COLUMNS = [
    "subscriptionId", "resourceId", "meterId", "date", "time", "quantity", "unitOfMeasure", "partNumber", "offerId",
    "pricingModel", "resourceGroup", "tags", "additionalInfo", "receivedAt",
]  # fmt: skip

TABLES = """
CREATE TABLE parameter (as_of TIMESTAMP, today DATE, first_day DATE, minor INTEGER);
CREATE TABLE subscription_account (subscription VARCHAR, from_day DATE, until_day DATE, account VARCHAR);
CREATE TABLE account_department (account VARCHAR, from_day DATE, until_day DATE, department VARCHAR);
CREATE TABLE price (
    line INTEGER, first_period VARCHAR, last_period VARCHAR, meter VARCHAR, part VARCHAR, offer VARCHAR,
    price_type VARCHAR, months INTEGER, unit VARCHAR, price HUGEINT, included HUGEINT, marketplace BOOLEAN,
    eligible BOOLEAN, blended BOOLEAN);
CREATE TABLE tier (line INTEGER, first HUGEINT, next HUGEINT, price HUGEINT);
CREATE TABLE benefit (
    benefit VARCHAR, kind VARCHAR, start DATE, months INTEGER, units HUGEINT, commitment HUGEINT, stated_price HUGEINT,
    monthly BOOLEAN, subscription VARCHAR, scope VARCHAR, scope_subscription VARCHAR, scope_group VARCHAR, part VARCHAR,
    eligible BOOLEAN);
CREATE TABLE benefit_subscription (benefit VARCHAR, subscription VARCHAR);
CREATE TABLE benefit_meter (benefit VARCHAR, position INTEGER, meter VARCHAR, ratio HUGEINT);
CREATE TABLE giving_back (benefit VARCHAR, day DATE, units HUGEINT, stated_refund HUGEINT);
CREATE TABLE purchase (
    purchase VARCHAR, day DATE, quantity HUGEINT, amount HUGEINT, recurrence VARCHAR, until DATE, subscription VARCHAR,
    meter VARCHAR, marketplace BOOLEAN, eligible BOOLEAN);
CREATE TABLE refund (purchase VARCHAR, day DATE, quantity HUGEINT, amount HUGEINT);
"""


class Unsupported(Exception):
    """A document has something that this evaluation does not know."""


def load(connection, folder, as_of):
    """Reads all documents of a folder into tables, as they are known at an instant."""
    folder = pathlib.Path(folder)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(TABLES)
    for path in sorted(folder.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"), parse_float=str, parse_int=str)
        kind = document.get("kind")
        if kind == "enrollment":
            load_enrollment(connection, document, as_of)
        elif kind == "priceSheet":
            load_prices(connection, document)
        elif kind == "orders":
            load_orders(connection, document["orders"])
    load_usage(connection, folder)


def scaled(text, scale=SCALE):
    """A decimal text in units of 10^-scale, exactly; nothing stays nothing."""
    if text is None:
        return None
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    whole, _, fraction = digits.partition(".")
    fraction = fraction.rstrip("0")
    if not (whole + fraction).isdigit() or len(fraction) > scale:
        raise Unsupported(f"{text} is no decimal with at most {scale} fraction digits")
    return sign * int(whole + fraction.ljust(scale, "0"))


def lower(text):
    return text.lower() if text is not None else None


def insert(connection, table, *values):
    marks = ", ".join("?" for _ in values)
    connection.execute(f"INSERT INTO {table} VALUES ({marks})", list(values))


def load_enrollment(connection, document, as_of):
    start = document["start"]
    minor = MINOR_DIGITS.get(document["currency"], 2)
    instant = as_of.removesuffix("Z")
    insert(connection, "parameter", instant, instant[:10], f"{start[:4]}-{start[4:]}-01", minor)
    for entries, owner, table in [
        ("accounts", "department", "account_department"), ("subscriptions", "account", "subscription_account"),
    ]:  # fmt: skip
        for entry in document.get(entries, []):
            history = entry.get(owner, [])
            for step, following in zip(history, [*history[1:], {}]):
                if step.get("id") is not None:
                    days = step.get("from", "0001-01-01"), following.get("from", "9999-12-31")
                    insert(connection, table, lower(entry["id"]), *days, step["id"])


def load_prices(connection, document):
    (count,) = connection.execute("SELECT count(*) FROM price").fetchone()
    for line, entry in enumerate(document["lines"], count):
        term = entry.get("termMonths") or {"P1Y": "12", "P3Y": "36"}.get(entry.get("term"))
        tiers = entry.get("tiers") or [{"from": "0", "price": entry["unitPrice"]}]
        marketplace = entry.get("publisherType") == "Marketplace"
        insert(
            connection, "price", line, document["from"], document.get("through", "999912"), lower(entry["meterId"]),
            lower(entry.get("partNumber", "")), lower(entry.get("offerId", "")), entry.get("priceType", "Consumption"),
            int(term) if term else None, entry["unitOfMeasure"], scaled(entry["unitPrice"]),
            scaled(entry.get("includedQuantity", "0")), marketplace, entry.get("creditEligible", not marketplace),
            "tiers" in entry or scaled(entry.get("includedQuantity", "0")) != 0,
        )  # fmt: skip
        bounds = [scaled(tier["from"]) for tier in tiers]
        for tier, first, following in zip(tiers, bounds, [*bounds[1:], None]):
            insert(connection, "tier", line, first, following, scaled(tier["price"]))


def load_orders(connection, orders):
    for order in orders:
        kind, day = order["type"], order["date"]
        if kind in ("reservation", "savingsPlan"):
            load_benefit(connection, kind, order, day)
        elif kind in ("return", "exchange", "tradeIn"):
            units, refund = order.get("units"), scaled(order.get("refund"))
            insert(connection, "giving_back", lower(order["orderId"]), day, int(units) if units else None, refund)
            for bought in order.get("purchases", []):
                load_benefit(connection, "reservation", bought, day)
            if "purchase" in order:
                load_benefit(connection, "savingsPlan", order["purchase"], day)
        elif kind == "purchase":
            marketplace = order["publisher"]["type"] == "Marketplace"
            insert(
                connection, "purchase", lower(order["orderId"]), day, scaled(order.get("quantity", "1")),
                scaled(order["amount"]), order.get("recurrence", "Once"), order.get("until"),
                lower(order["subscriptionId"]), lower(order.get("meterId", "")), marketplace,
                order.get("creditEligible", not marketplace),
            )  # fmt: skip
        elif kind == "refund":
            quantity = scaled(order.get("quantity", "1"))
            insert(connection, "refund", lower(order["orderId"]), day, quantity, scaled(order["amount"]))
        elif kind not in ("prepayment", "credit"):
            raise Unsupported(f"orders of type {kind}")


def load_benefit(connection, kind, order, day):
    benefit = lower(order["orderId"])
    scope = order.get("scope", {"type": "Shared"})
    insert(
        connection, "benefit", benefit, kind, day, int(order["termMonths"]), int(order.get("units", 1)),
        scaled(order.get("commitment")), scaled(order.get("price")), order.get("billing") == "Monthly",
        lower(order["subscriptionId"]), scope["type"], lower(scope.get("subscriptionId")),
        lower(scope.get("resourceGroup")), lower(order.get("partNumber")), order.get("creditEligible", True),
    )  # fmt: skip
    for subscription in scope.get("subscriptionIds", []):
        insert(connection, "benefit_subscription", benefit, lower(subscription))
    for position, meter in enumerate(order.get("meters", [])):
        insert(connection, "benefit_meter", benefit, position, lower(meter["meterId"]), scaled(meter.get("ratio", "1"), 6))


def load_usage(connection, folder):
    """Every usage file, all columns as text; a column that a file lacks is empty."""
    kinds = ", ".join(f"{name}: 'VARCHAR'" for name in USAGE_COLUMNS)
    columns = ", ".join(f"{name} VARCHAR" for name in USAGE_COLUMNS)
    connection.execute(f"CREATE TABLE usage_record ({columns})")
    readers = {
        "*.ndjson": f"read_json(?, format = 'newline_delimited', columns = {{{kinds}}})",
        "usage*.csv": "read_csv(?, all_varchar = true)",
        "*.parquet": "read_parquet(?)",
    }
    for pattern, reader in readers.items():
        for path in sorted(folder.glob(pattern)):
            if path.stat().st_size == 0:
                continue
            connection.execute(f"CREATE OR REPLACE TEMP VIEW file AS SELECT * FROM {reader.replace('?', quoted(path))}")
            found = {name.lower(): name for name, *_ in connection.execute("DESCRIBE file").fetchall()}
            cells = ", ".join(
                f'CAST("{found[name.lower()]}" AS VARCHAR)' if name.lower() in found else "NULL" for name in USAGE_COLUMNS
            )
            connection.execute(f"INSERT INTO usage_record SELECT {cells} FROM file")


def quoted(path):
    return "'" + str(path).replace("'", "''") + "'"
