"""Whether answers are equal by value: run in the environment of `requirements-speed.txt`, by the same words for all.

    python equality.py csv PATH | python equality.py parquet PATH...

Prints a fingerprint of the rows as a multiset, in whatever order they stand: their number, exact sums of quantity and
cost, and the exact sums of both halves of the 128-bit MD5 of each row. A row is the text of its 57 cells in the order of the
layout, separated by a control character: texts as they are (blank and unknown are one), dates as `YYYY-MM-DD`,
decimals in plain digits at the scale of the lake, booleans in lower case. So padded zeros, quotes, line ends and the
spelling of dates do not matter, and every digit does: at scale 28 and 18 no digit of an accepted row is cut.

Two multisets with one fingerprint differ with a chance of about 2^-128. DuckDB computes it for all, also for itself;
nothing of it is ours, and the first fingerprint is that of the generated file, which nobody has read or written yet.
"""

import json
import sys

import duckdb

from columns import BOOLEANS, DATES, DECIMALS, LAYOUT, lake_column

SEPARATOR = "chr(31)"


def cell(name, column):
    """The text of a cell, from a column of any type."""
    text = f"CAST({column} AS VARCHAR)"
    if name in DECIMALS:
        number = f"CAST(nullif({text}, '') AS DECIMAL(38,{DECIMALS[name]}))"
        return f"coalesce(CAST({number} AS VARCHAR), '')"
    if name in DATES:
        iso = f"{text}[7:10] || '-' || {text}[1:2] || '-' || {text}[4:5]"
        return f"coalesce(CASE WHEN {text} LIKE '__/__/____' THEN {iso} ELSE {text} END, '')"
    if name in BOOLEANS:
        return f"coalesce(CASE {text} WHEN '1' THEN 'true' WHEN '0' THEN 'false' ELSE lower({text}) END, '')"
    return f"coalesce({text}, '')"


def fingerprint(connection, source, columns):
    """The fingerprint of a table, whose columns are named for each column of the layout."""
    row = f" || {SEPARATOR} || ".join(cell(name, columns[name]) for name in LAYOUT)
    numbers = {name: f"CAST(nullif(CAST({columns[name]} AS VARCHAR), '') AS DECIMAL(38,{scale}))" for name, scale in DECIMALS.items()}
    cost, quantity = numbers["CostInBillingCurrency"], numbers["Quantity"]
    query = (
        f"SELECT count(*), CAST(sum({quantity}) AS VARCHAR), CAST(sum({cost}) AS VARCHAR), "
        f"CAST(sum(md5_number_lower({row})) AS VARCHAR), CAST(sum(md5_number_upper({row})) AS VARCHAR) FROM {source}"
    )
    names = ["rows", "quantity", "cost", "lower", "upper"]
    return dict(zip(names, connection.execute(query).fetchone()))


def csv_source(path):
    """A CSV file as texts, without any guessing."""
    kinds = {name: "VARCHAR" for name in LAYOUT}
    return f"read_csv('{path}', columns = {kinds!r}, header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"')"


def main():
    kind, paths = sys.argv[1], sys.argv[2:]
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    if kind == "csv":
        result = fingerprint(connection, csv_source(paths[0]), {name: f'"{name}"' for name in LAYOUT})
    elif kind == "parquet":
        source = f"read_parquet({paths!r}, hive_partitioning = false)"
        found = {row[0] for row in connection.execute(f"DESCRIBE FROM {source}").fetchall()}
        lake = "cost" in found
        result = fingerprint(connection, source, {name: lake_column(name) if lake else f'"{name}"' for name in LAYOUT})
    else:
        sys.exit(f"there is no kind {kind}; expected csv or parquet")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
