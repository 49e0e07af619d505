"""The environments of the clients: one virtual environment each, under `target/clients/`.

A folder is named by a hash of all that went into it, so a changed pin makes a new environment and an unchanged one costs
nothing. A folder without its mark is a failed attempt and is made anew.
"""

import hashlib
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

from pins import NODE_FILES, PYTHON_LISTS

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FOLDER = ROOT / "target" / "clients"
MARK = "installed"
# The newest DuckDB and polars ask for it (Microsoft's newest SDK asks for 3.10); Debian 12 has 3.11.
PYTHON_MIN = (3, 11)
# A registry that does not answer for this long is down.
INSTALL_SECONDS_MAX = 1200
# Settings of the machine that would make a client trust or reach something else than the test's own server.
FOREIGN_VARIABLES = {
    "all_proxy", "http_proxy", "https_proxy", "no_proxy",
    "curl_ca_bundle", "requests_ca_bundle", "ssl_cert_dir", "ssl_cert_file",
    "node_extra_ca_certs", "node_options", "node_path", "pythonhome", "pythonpath",
}  # fmt: skip
# And settings of the program, of Microsoft's clients, and of Terraform.
FOREIGN_PREFIXES = ("LAZURITE_", "AZURE_", "ARM_", "MSAL_")
# Nothing listens at the discard port: a client that calls somebody else fails at once instead of reaching Microsoft.
NOWHERE = "http://127.0.0.1:9"


class NotInstalled(Exception):
    """An environment could not be made; the text says why."""


def environment(name):
    """The folder of an environment, made if it is missing."""
    folder = FOLDER / f"{name}-{fingerprint(name)}"
    if not (folder / MARK).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        make_virtual_environment(folder)
        install_python_packages(folder, HERE / PYTHON_LISTS[name])
        if name == "javascript":
            install_node_packages(folder)
        (folder / MARK).touch()
    return folder


def fingerprint(name):
    """Names what an environment is made of: the pins, the Python, and this file."""
    digest = hashlib.sha256(f"{sys.version} {sys.executable}".encode())
    digest.update(pathlib.Path(__file__).read_bytes())
    for file in [PYTHON_LISTS[name]] + (NODE_FILES if name == "javascript" else []):
        digest.update((HERE / file).read_bytes())
    return digest.hexdigest()[:12]


def make_virtual_environment(folder):
    """With its own pip where Python can (on Debian: package python3-venv), else for the pip of the machine."""
    own_pip = importlib.util.find_spec("ensurepip") is not None
    if not own_pip and importlib.util.find_spec("pip") is None:
        raise NotInstalled(
            "this Python can make no environment with pip in it; install the package python3-venv "
            "(Debian: apt-get install python3-venv) and run this again"
        )
    call([sys.executable, "-m", "venv", *([] if own_pip else ["--without-pip"]), str(folder)])


def install_python_packages(folder, requirements):
    """Exactly what the list names, nothing built from source."""
    python = str(folder / "bin" / "python")
    own_pip = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    pip = [python, "-m", "pip"] if own_pip else [sys.executable, "-m", "pip", "--python", python]
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check"]
    call([*pip, "install", *quiet, "--only-binary", ":all:", "--no-deps", "--requirement", str(requirements)])
    call([*pip, "check", "--disable-pip-version-check"])


def install_node_packages(folder):
    """`npm ci` installs what the lock file names, checked by its hashes, and runs no script of a package."""
    for file in NODE_FILES:
        shutil.copy(HERE / file, folder)
    path = os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", "")])
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    call([str(folder / "bin" / "npm"), "ci", *quiet], cwd=folder, env={**os.environ, "PATH": path})


def call(command, **options):
    """Runs an installer; what it printed is told only when it fails."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=INSTALL_SECONDS_MAX, check=False, **options,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise NotInstalled(f"{command[0]} did not end within {INSTALL_SECONDS_MAX} s") from error
    if done.returncode != 0:
        raise NotInstalled(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stdout}")


def hermetic_variables():
    """The machine's variables without those that would change what is tested."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.lower() not in FOREIGN_VARIABLES and not name.startswith(FOREIGN_PREFIXES)
    }
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1"}


def offline_variables(host):
    """Variables that keep a client from everything but the server under test."""
    return {"HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "NO_PROXY": host}
