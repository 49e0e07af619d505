"""The program under test, as a script drives it (the script contract of the command line)."""

import contextlib
import json
import select
import signal
import subprocess

from environments import hermetic_variables

# A debug build on a busy machine; a command that takes this long hangs.
COMMAND_SECONDS_MAX = 300
READY_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30
LOG_LINES_SHOWN = 40


class ProgramError(Exception):
    """The program did not do what its contract says."""


class Program:
    """The `lazurite` binary over one data folder."""

    def __init__(self, binary, data):
        self.binary = str(binary)
        self.data = data
        self.log = data.parent / f"{data.name}.log"

    def command(self, *arguments, exit_code=0):
        """Runs a command that prints one JSON object, and gives that object."""
        command = [self.binary, *map(str, arguments), "--data", str(self.data), "--json"]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=COMMAND_SECONDS_MAX, check=False, env=hermetic_variables(),
        )  # fmt: skip
        if done.returncode != exit_code:
            raise ProgramError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def sample(self, path, *options):
        """Writes a generated export."""
        command = [self.binary, "sample", "--out", str(path), *options]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=COMMAND_SECONDS_MAX, check=False, env=hermetic_variables(),
        )  # fmt: skip
        if done.returncode != 0:
            raise ProgramError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return path

    def imports(self, *arguments):
        """Imports, and gives the imported periods as {(enrollment, dataset, period): entry}."""
        entries = self.command("import", *arguments)["imported"]
        return {(entry["enrollment"], entry["dataset"], entry["period"]): entry for entry in entries}

    def key(self, enrollment, *part):
        """A new API key of an enrollment, or of a part of it."""
        return self.login(enrollment, *part)["key"]

    def login(self, enrollment, *part):
        """A new API key and its id: a client secret and a client id."""
        return self.command("key", "create", "--enrollment", enrollment, *part)

    @contextlib.contextmanager
    def serving(self, *options):
        """A server on free loopback ports; gives the fields of its ready line."""
        listen = ["--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0"]
        command = [self.binary, "serve", "--data", str(self.data), *listen, *options, "--json"]
        with open(self.log, "wb") as log:
            server = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=hermetic_variables()
            )
            try:
                yield self.ready_line(server)
                if server.poll() is not None:
                    raise ProgramError(f"the server ended by itself:\n{self.log_tail()}")
            finally:
                stop(server)

    def ready_line(self, server):
        """Waits for the line that says that the server answers."""
        readable, _, _ = select.select([server.stdout], [], [], READY_SECONDS_MAX)
        line = server.stdout.readline() if readable else b""
        try:
            ready = json.loads(line)
            assert ready["event"] == "ready" and {"http", "https", "ca"} <= ready.keys()
        except (ValueError, KeyError, AssertionError) as error:
            raise ProgramError(f"the server did not say that it is ready, but {line!r}:\n{self.log_tail()}") from error
        return ready

    def log_tail(self):
        """The newest lines of the server's log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])


def stop(server):
    """Asks the server to end, and insists when it does not."""
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
    try:
        server.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    server.stdout.close()
