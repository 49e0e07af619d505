"""What measurements share: running a program on two cores and reading what it took, and facts about the machine."""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORES = 2
# Linux counts resident memory in KiB, macOS in bytes.
MEMORY_UNIT = 1 if sys.platform == "darwin" else 1024


class Failed(Exception):
    """A program ended with an error; the text says which and what it printed last."""


def two_cores():
    """Keeps this process and its children on two cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def attempted(command, variables=None):
    """Seconds, CPU seconds and peak memory of a program that must succeed, and what it printed; else `Failed`."""
    command = [str(part) for part in command]
    environment = {**os.environ, **(variables or {})}
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=output, stderr=errors, env=environment, preexec_fn=two_cores)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        printed = output.read()
        if process.returncode != 0:
            last = (errors.read().strip() or printed.strip())[-2000:]
            raise Failed(f"{' '.join(command)[:500]}\nended with {process.returncode}: {last}")
    cpu = usage.ru_utime + usage.ru_stime
    peak = usage.ru_maxrss * MEMORY_UNIT
    return {"seconds": round(seconds, 4), "cpu_seconds": round(cpu, 4), "peak_bytes": peak}, printed


def measured(command, variables=None):
    """The same for a program without which there is nothing to measure: its failure ends this program."""
    try:
        return attempted(command, variables)
    except Failed as failure:
        sys.exit(str(failure))


def spread(numbers):
    """Median, least and greatest of some numbers."""
    return {"median": statistics.median(numbers), "least": min(numbers), "greatest": max(numbers)}


def load_average():
    """The load averages of 1, 5 and 15 minutes, as text."""
    return " ".join(f"{load:.2f}" for load in os.getloadavg())


def machine():
    """What kind of machine this is."""
    return {
        "cpu": first_value("/proc/cpuinfo", "model name") or "unknown",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": first_value("/proc/meminfo", "MemTotal") or "unknown",
        "system": " ".join(os.uname()[index] for index in (0, 2, 4)),
    }


def first_value(path, name):
    """The first value of a name in a file of `name: value` lines; `None` if there is none."""
    try:
        lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), None)
