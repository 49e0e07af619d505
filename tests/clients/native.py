"""Native enrollments: billed by the program, and evaluated a second time in SQL (`tests/differential`)."""

import subprocess

from driving import run_client, verify
from environments import ROOT, hermetic_variables
from program import COMMAND_SECONDS_MAX, Program, ProgramError
from results import step

SCRIPT = ROOT / "tests" / "differential" / "differential.py"
ENROLLMENT = "8611001"
# Seed, options, and the instant as of which is billed: with an open period and late usage in it, all closed, in mid-month,
# from Parquet with hourly days of many records, with a term that begins on 29 February.
GENERATED = [
    (1, ["--months", "3", "--usage-records", "6000"], "2025-04-29T04:00:00Z"),
    (2, ["--months", "2", "--usage-records", "4000", "--currency", "JPY"], "2025-03-05T04:00:00Z"),
    (3, ["--months", "2", "--usage-records", "4000", "--currency", "KWD"], "2025-02-17T04:00:00Z"),
    (4, ["--months", "1", "--usage-records", "12000", "--lines", "40", "--usage-parquet"], "2025-02-05T04:00:00Z"),
    (5, ["--months", "1", "--usage-records", "3000", "--first-month", "202402"], "2024-03-05T04:00:00Z"),
]  # fmt: skip


def test_native(results, installed, binary, scratch):
    """Totals of both datasets by day, charge type, meter, subscription, department and benefit, over several seeds."""
    plan = {"cases": [{"name": "the worked examples hold in SQL"}]}
    run_client(results, "differential", installed, "readers", SCRIPT, plan, scratch)
    for seed, options, as_of in GENERATED:
        label = f"native: seed {seed}"
        folder = scratch / f"native-{seed}"
        program = Program(binary, scratch / f"native-{seed}-data")
        step(results, f"{label}: sample", lambda: sample(binary, folder, "--seed", str(seed), *options))
        step(results, f"{label}: bill", lambda: program.command("bill", folder, "--as-of", as_of))
        case = {
            "name": f"{label}: the lake has what SQL evaluates",
            "folder": str(folder), "as_of": as_of, "enrollment": ENROLLMENT,
        }  # fmt: skip
        plan = {"table": str(program.data / "charges"), "cases": [case]}
        run_client(results, "differential", installed, "readers", SCRIPT, plan, scratch)
        step(results, f"{label}: verify", lambda: verify(program))


def sample(binary, folder, *options):
    """Writes a generated native enrollment into a folder."""
    command = [str(binary), "sample", "--native", str(folder), *options]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=COMMAND_SECONDS_MAX, check=False, env=hermetic_variables(),
    )  # fmt: skip
    if done.returncode != 0:
        raise ProgramError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
