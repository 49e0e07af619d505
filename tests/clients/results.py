"""Counting and printing tests."""

import subprocess

from program import ProgramError


class Results:
    """Counts tests, and prints them as they end."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def add(self, name, failure=None):
        if failure is None:
            self.passed += 1
            print(f"ok    {name}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL  {name}\n      " + "\n      ".join(failure.strip().splitlines()), flush=True)

    def closing_line(self):
        return f"clients: {self.passed} passed, {self.failed} failed, 0 skipped"


def step(results, name, action):
    """A test that is one step of the program. Gives what the action gives, or nothing when it failed."""
    try:
        outcome = action()
    except (ProgramError, AssertionError, KeyError, ValueError, OSError, subprocess.SubprocessError) as error:
        results.add(name, f"{type(error).__name__}: {error}")
        return None
    results.add(name)
    return outcome
