"""Compares the evaluation with charges as CSV, which `native-stages charges` prints, while there is no lake.

    python compare_csv.py FOLDER AS_OF CHARGES.csv
"""

import sys

import compare
import duckdb
import evaluate


def main():
    folder, as_of, charges = sys.argv[1:]
    connection = duckdb.connect()
    evaluate.evaluate(connection, folder, as_of)
    evaluated = evaluate.totals(connection)
    other = duckdb.connect()
    product = compare.lake_totals(other, f"(SELECT * REPLACE (date::DATE AS date) FROM read_csv('{charges}', all_varchar = true))")
    failures = list(compare.differences(evaluated, product))
    for failure in failures[:60]:
        print(failure)
    print(f"{len(evaluated)} totals, {len(failures)} differ")
    sys.exit(1 if failures or not evaluated else 0)


if __name__ == "__main__":
    main()
