"""The engines that Lazurite is held against, asked one question: run in the environment of `requirements-speed.txt`.

    python engines.py ENGINE QUESTION JSON

The question is one of `report`, `import`, `page`, `total`; the JSON says where to read and write. Prints one line of
JSON: how long the question alone took inside of the process (without starting Python and loading the engine), for
questions that are asked several times each of the times. `sql` gives the rows of a query to DuckDB.

Each engine is asked in the way that suits it best: plain columns, no restoring of spelled digits, its fastest writer.
Text is cut nowhere and decimals stay decimals, so that every answer is equal by value to ours (`equality.py`).
"""

import json
import os
import sys
import time
from functools import partial

from columns import BOOLEANS, DATES, DECIMALS, LAYOUT, lake_column, page_columns

THREADS = 2


def of_department(department):
    """The rows that somebody sees who reads a department: its usage, no purchases (SEMANTICS 6.3)."""
    return f"invoice_section_id = '{department}' AND charge_type = 'Usage'"


class DuckDb:
    """DuckDB in the process, with the settings that its guide to performance names."""

    def __init__(self):
        import duckdb

        self.connection = duckdb.connect()
        self.connection.execute(f"SET threads = {THREADS}; SET parquet_metadata_cache = true")

    def source(self, files):
        return f"read_parquet({files!r}, hive_partitioning = false)"

    def report(self, files, out, department=None, compression=None):
        columns = ", ".join(f'{lake_column(name)} AS "{name}"' for name in LAYOUT)
        where = f"WHERE {of_department(department)}" if department else ""
        options = f", COMPRESSION {compression}" if compression else ""
        self.connection.execute(
            f"COPY (SELECT {columns} FROM {self.source(files)} {where}) TO '{out}' (FORMAT csv, HEADER{options})"
        )

    def load(self, source, out):
        kinds = {name: "VARCHAR" for name in LAYOUT}
        kinds |= {name: "DATE" for name in DATES} | {name: "BOOLEAN" for name in BOOLEANS}
        kinds |= {name: f"DECIMAL(38,{scale})" for name, scale in DECIMALS.items()}
        reader = f"read_csv('{source}', columns = {kinds!r}, header = true, auto_detect = false, dateformat = '%m/%d/%Y')"
        self.connection.execute(
            f"COPY (FROM {reader}) TO '{out}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
        )

    def page(self, files, where, offset, rows):
        columns = ", ".join(f'{column} AS "{member}"' for member, column in page_columns().items())
        condition = f"WHERE {where}" if where else ""
        inner = f"SELECT {columns} FROM {self.source(files)} {condition} LIMIT {rows} OFFSET {offset}"
        query = f"SELECT CAST(to_json(list(page)) AS VARCHAR) FROM ({inner}) AS page"
        return self.connection.execute(query).fetchone()[0]

    def total(self, files):
        query = f"SELECT date, meter_category, sum(cost) FROM {self.source(files)} GROUP BY ALL"
        return [(str(day), category, str(cost)) for day, category, cost in self.connection.execute(query).fetchall()]


class Polars:
    """polars, lazily, with its streaming writers."""

    def __init__(self):
        import polars

        self.polars = polars

    def report(self, files, out, department=None, compression=None):
        if compression:
            raise ValueError("compressed reports are not asked of polars")
        polars = self.polars
        frame = polars.scan_parquet(files, hive_partitioning=False)
        if department:
            frame = frame.filter(polars.sql_expr(of_department(department)))
        frame.select([polars.col(lake_column(name)).alias(name) for name in LAYOUT]).sink_csv(out)

    def load(self, source, out):
        polars = self.polars
        frame = polars.scan_csv(source, schema={name: polars.String for name in LAYOUT})
        dates = [polars.col(name).str.to_date("%m/%d/%Y") for name in sorted(DATES)]
        booleans = [polars.col(name).str.to_lowercase() == "true" for name in sorted(BOOLEANS)]
        numbers = [polars.col(name).cast(polars.Decimal(38, scale)) for name, scale in DECIMALS.items()]
        frame.with_columns(dates + booleans + numbers).sink_parquet(out, compression="zstd", compression_level=1)

    def page(self, files, where, offset, rows):
        polars = self.polars
        frame = polars.scan_parquet(files, hive_partitioning=False)
        if where:
            frame = frame.filter(polars.sql_expr(where))
        columns = [polars.col(column).alias(member) for member, column in page_columns().items()]
        return frame.slice(offset, rows).select(columns).collect().write_json()

    def total(self, files):
        polars = self.polars
        frame = polars.scan_parquet(files, hive_partitioning=False)
        groups = frame.group_by("date", "meter_category").agg(polars.col("cost").sum()).collect()
        return [(str(day), category, str(cost)) for day, category, cost in groups.rows()]


class ClickHouse:
    """ClickHouse in the process (chdb)."""

    def __init__(self):
        import chdb.session

        self.session = chdb.session.Session()
        self.session.query(f"SET max_threads = {THREADS}, format_csv_null_representation = ''")

    def source(self, files):
        if len(files) == 1:
            return f"file('{files[0]}', Parquet)"
        # Braces hold names alone, no folders.
        folder = os.path.dirname(files[0])
        names = ",".join(os.path.basename(file) for file in files)
        return f"file('{folder}/{{{names}}}', Parquet)"

    def report(self, files, out, department=None, compression=None):
        if compression:
            raise ValueError("compressed reports are not asked of ClickHouse")
        columns = ", ".join(f"{lake_column(name)} AS `{name}`" for name in LAYOUT)
        where = f"WHERE {of_department(department)}" if department else ""
        query = f"SELECT {columns} FROM {self.source(files)} {where} INTO OUTFILE '{out}' TRUNCATE FORMAT CSVWithNames"
        self.session.query(query)

    def load(self, source, out):
        def column(name):
            if name in DATES:
                text = f"`{name}`"
                day = f"toDate32(concat(substring({text}, 7, 4), '-', substring({text}, 1, 2), '-', substring({text}, 4, 2)))"
                return f"{day} AS `{name}`"
            if name in BOOLEANS:
                return f"lower(`{name}`) = 'true' AS `{name}`"
            if name in DECIMALS:
                return f"if(`{name}` = '', NULL, toDecimal128(`{name}`, {DECIMALS[name]})) AS `{name}`"
            return f"`{name}`"

        columns = ", ".join(column(name) for name in LAYOUT)
        structure = ", ".join(f"`{name}` String" for name in LAYOUT)
        self.session.query(
            f"INSERT INTO FUNCTION file('{out}', Parquet) SELECT {columns} FROM file('{source}', CSVWithNames, '{structure}') "
            "SETTINGS output_format_parquet_compression_method = 'zstd', engine_file_truncate_on_insert = 1"
        )

    def page(self, files, where, offset, rows):
        if len(files) > 1:
            raise ValueError("rows of several files come in no fixed order, so a page of them is not defined")
        columns = ", ".join(f"{column} AS `{member}`" for member, column in page_columns().items())
        condition = f"WHERE {where}" if where else ""
        query = f"SELECT {columns} FROM {self.source(files)} {condition} LIMIT {rows} OFFSET {offset}"
        # Without the second setting rows come in any order.
        settings = "output_format_json_quote_decimals = 1, input_format_parquet_preserve_order = 1"
        answer = self.session.query(f"{query} SETTINGS {settings}", "JSONEachRow")
        return "[" + ",".join(str(answer).splitlines()) + "]"

    def total(self, files):
        query = f"SELECT date, meter_category, toString(sum(cost)) FROM {self.source(files)} GROUP BY 1, 2"
        answer = self.session.query(query, "JSONCompactEachRow")
        return [tuple(json.loads(line)) for line in str(answer).splitlines()]


ENGINES = {"duckdb": DuckDb, "polars": Polars, "clickhouse": ClickHouse}


def timed(action):
    """What an action gives, and its seconds."""
    started = time.perf_counter()
    answer = action()
    return answer, time.perf_counter() - started


def several(actions, out):
    """Asks every question once to warm up, then once for the record; keeps the last answer where it is wanted."""
    for action in actions:
        action()
    times = []
    for action in actions:
        answer, seconds = timed(action)
        times.append(seconds)
    if out:
        with open(out, "w", encoding="utf-8") as file:
            file.write(answer if isinstance(answer, str) else json.dumps(answer))
    return {"times": times}


def main():
    name, question, given = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    os.environ["POLARS_MAX_THREADS"] = str(THREADS)
    engine = ENGINES[name]()
    if question == "report":
        action = lambda: engine.report(given["files"], given["out"], given.get("department"), given.get("compression"))
        result = {"seconds": timed(action)[1]}
    elif question == "import":
        result = {"seconds": timed(lambda: engine.load(given["source"], given["out"]))[1]}
    elif question == "page":
        conditions = [where.get(name, where["sql"]) if where else None for where in given["wheres"]]
        asked = zip(conditions, given["offsets"], strict=True)
        actions = [partial(engine.page, given["files"], where, offset, given["rows"]) for where, offset in asked]
        result = several(actions, given.get("out"))
    elif question == "sql":
        result = {"rows": engine.connection.execute(given["query"]).fetchall()}
    elif question == "total":
        result = several([partial(engine.total, given["files"])] * given["count"], given.get("out"))
    else:
        sys.exit(f"there is no question {question}; expected report, import, page, total or sql")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
