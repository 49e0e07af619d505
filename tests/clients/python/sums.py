"""Opens the lake with engines that know nothing of Lazurite and sums the cost of every partition exactly.

The engines are those of the environment that this runs in:

- DuckDB, the newest: `read_parquet` over the files that the Delta log lists. Its own Delta reader is an extension that
  DuckDB fetches from its own server, and that PyPI has for an older DuckDB only; so the log is read by `deltalake`.
- DuckDB with that extension from PyPI: `delta_scan` over the folder.
- polars: `scan_delta` over the folder, and `scan_parquet` over the files.
- deltalake: its built-in query engine.

The folder also holds files of replaced imports, which no answer may count.
"""

import decimal
import pathlib

from harness import run_plan, same

decimal.getcontext().prec = 100
PARTITION = ("enrollment", "dataset", "billing_period")
SUMS = "SELECT enrollment, dataset, billing_period, count(*), sum(cost), any_value(typeof(cost)) FROM {} GROUP BY ALL"


def active_files(table, version=None):
    """The files of a version, as the Delta log lists them."""
    from deltalake import DeltaTable

    return [uri.removeprefix("file://") for uri in DeltaTable(table, version=version).file_uris()]


def duckdb_files(table, version):
    import duckdb

    files = active_files(table, version)
    scan = "read_parquet($files, hive_partitioning = true, hive_types_autocast = false)"
    return duckdb.execute(SUMS.format(scan), {"files": files}).fetchall()


def duckdb_delta(table, version):
    import duckdb
    import duckdb_extension_delta

    folder = pathlib.Path(duckdb_extension_delta.__file__).parent
    extension = next(folder.glob(f"extensions/v{duckdb.__version__}/delta.duckdb_extension"))
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    connection.execute(f"LOAD '{extension}'")
    at = "" if version is None else f", version = {version}"
    return connection.execute(SUMS.format(f"delta_scan('{pathlib.Path(table).as_uri()}'{at})")).fetchall()


def polars_sums(frame):
    import polars

    cost = polars.col("cost")
    kind = frame.collect_schema()["cost"]
    name = f"DECIMAL({kind.precision},{kind.scale})" if isinstance(kind, polars.Decimal) else str(kind)
    sums = frame.group_by(PARTITION).agg(polars.len().alias("rows"), cost.sum()).collect()
    return [(*row, name) for row in sums.rows()]


def polars_delta(table, version):
    import polars

    return polars_sums(polars.scan_delta(table, version=version))


def polars_files(table, version):
    import polars

    text = {column: polars.String for column in PARTITION}
    return polars_sums(polars.scan_parquet(active_files(table, version), hive_partitioning=True, hive_schema=text))


def deltalake_query(table, version):
    from deltalake import DeltaTable, QueryBuilder

    engine = QueryBuilder().register("charges", DeltaTable(table, version=version))
    sums = SUMS.replace("any_value(typeof(cost))", "min(arrow_typeof(cost))").replace("GROUP BY ALL", "GROUP BY 1, 2, 3")
    answer = engine.execute(sums.format("charges")).read_all()
    columns = [answer.column(index).to_pylist() for index in range(answer.num_columns)]
    return [(*row[:5], row[5].replace("Decimal128(", "DECIMAL(").replace(", ", ",")) for row in zip(*columns)]


ENGINES = {
    "duckdb, files": duckdb_files,
    "duckdb, Delta folder": duckdb_delta,
    "polars, Delta folder": polars_delta,
    "polars, files": polars_files,
    "deltalake, query": deltalake_query,
}


def exact(total):
    """Decimal text without trailing zeros: the column has 28 fraction digits, the source fewer."""
    assert isinstance(total, decimal.Decimal), f"the sum is a {type(total).__name__}"
    return f"{total.normalize():f}"


def check(plan, case):
    table = plan["table"]
    stored = len(list(pathlib.Path(table).rglob("*.parquet")))
    same("files in the folder", stored, plan["files_stored"])
    found = {}
    for enrollment, dataset, period, rows, total, kind in ENGINES[case["engine"]](table, case["version"]):
        same("type of the cost column", kind, "DECIMAL(38,28)")
        found["/".join([enrollment, dataset, str(period)])] = [rows, exact(total)]
    wanted = {name: [rows, exact(decimal.Decimal(total))] for name, (rows, total) in case["sums"].items()}
    same("rows and exact total by partition", found, wanted)


if __name__ == "__main__":
    run_plan(check)
