"""The data that speed is measured on: generated months, each imported or billed into a store of its own.

Sets are `low` and `high` (cost exports of little and of much entropy) and `native` (a metered enrollment, billed
here). A folder is kept for the next time; a store is made anew for another build of the program, since another build may
write other files.
"""

import hashlib
import json
import os
import shutil
import subprocess

from measure import measured

ENROLLMENT = "8611001"
PERIOD = "202501"
DATASET = "ActualCost"
# The native month is closed then.
AS_OF = "2025-02-05T04:00:00Z"
# A generated line of a native enrollment has about this many records a day, which are one charge.
RECORDS_PER_CHARGE = 10
# A text of more rows than this is not kept on the disk: 20 million rows are 21 GB.
PLAIN_ROWS_MAX = 5_000_000
SEED = 1
# One of them has about a tenth of the rows.
DEPARTMENTS = 10


class DataSet:
    """A month of an enrollment in a store of its own."""

    def __init__(self, name, rows, folder, store):
        self.name, self.rows, self.folder, self.store = name, rows, folder, store
        # The generated export; native enrollments and very large ones have none.
        self.source = folder / "source.csv"

    def files(self):
        """The Parquet files of the dataset that is asked about, in the order of an answer."""
        partition = self.store / "charges" / f"enrollment={ENROLLMENT}" / f"dataset={DATASET}" / f"billing_period={PERIOD}"
        return sorted(str(path.resolve()) for path in partition.glob("*.parquet"))


def build_of(program):
    """Names a build of the program."""
    with open(program, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def prepare(programs, work, name, rows):
    """The set, generated and stored where it is not there yet."""
    lazurite = programs / "lazurite"
    folder = work / f"{name}-{rows}"
    folder.mkdir(parents=True, exist_ok=True)
    data_set = DataSet(name, rows, folder, folder / f"store-{build_of(lazurite)}")
    mark = data_set.store / "complete"
    if name != "native" and rows <= PLAIN_ROWS_MAX and not data_set.source.exists():
        generate(lazurite, data_set)
    if not mark.exists():
        for old in folder.glob("store-*"):
            shutil.rmtree(old)
        print(f"{name} {rows:,}: making the store", flush=True)
        if name == "native":
            make_native(lazurite, data_set)
        elif data_set.source.exists():
            measured(import_command(lazurite, data_set.source, data_set.store))
        else:
            import_without_keeping(lazurite, data_set)
        # Only this key reads the store, and a store of generated rows has nothing to hide.
        mark.write_text(new_key(lazurite, data_set.store), encoding="ascii")
    data_set.key = mark.read_text(encoding="ascii")
    return data_set


def import_command(lazurite, source, store):
    """How an export becomes a store."""
    return [lazurite, "import", source, "--data", store, "--dataset", DATASET, "--json"]


def sample_command(lazurite, data_set, out):
    entropy = ["--high-entropy"] if data_set.name == "high" else []
    sizes = ["--rows", data_set.rows, "--departments", DEPARTMENTS]
    return [lazurite, "sample", *sizes, "--seed", SEED, "--first-month", PERIOD, *entropy, "--out", out]


def generate(lazurite, data_set):
    """Writes the export under another name first, so that a broken one is not taken for whole."""
    print(f"{data_set.name} {data_set.rows:,}: generating", flush=True)
    partial = data_set.folder / "source.partial"
    measured(sample_command(lazurite, data_set, partial))
    partial.rename(data_set.source)


def import_without_keeping(lazurite, data_set):
    """Generates through a pipe into a compressed text, which goes when it is imported."""
    compressed = data_set.folder / "source.csv.gz"
    read, write = os.pipe()
    with open(compressed, "wb") as file:
        packing = subprocess.Popen(["gzip", "-1"], stdin=read, stdout=file)
        os.close(read)
        command = [str(part) for part in sample_command(lazurite, data_set, f"/dev/fd/{write}")]
        done = subprocess.run(command, pass_fds=[write], stdout=subprocess.DEVNULL, check=False)
        os.close(write)
        if packing.wait() != 0 or done.returncode != 0:
            raise SystemExit(f"cannot generate {data_set.rows:,} rows through a pipe")
    measured(import_command(lazurite, compressed, data_set.store))
    compressed.unlink()


def make_native(lazurite, data_set):
    """Generates about as many charges as asked for, and bills them."""
    documents = data_set.folder / "documents"
    if not (documents / "usage.parquet").exists():
        records = data_set.rows * RECORDS_PER_CHARGE
        sizes = ["--usage-records", records, "--months", 1, "--subscriptions", 200, "--first-month", PERIOD, "--seed", SEED]
        measured([lazurite, "sample", "--native", documents, "--usage-parquet", *sizes])
    measured([lazurite, "bill", documents, "--data", data_set.store, "--as-of", AS_OF, "--json"])


def new_key(lazurite, store):
    """A key that reads the enrollment."""
    _, printed = measured([lazurite, "key", "create", "--data", store, "--enrollment", ENROLLMENT, "--json"])
    return json.loads(printed)["key"]
