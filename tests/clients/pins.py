"""Which environments there are, and the lists of pins that each is made from."""

PYTHON_LISTS = {
    "sdk-5.0.0": "python/requirements-sdk-5.0.0.txt",
    "sdk-4.0.1": "python/requirements-sdk-4.0.1.txt",
    "identity": "python/requirements-identity.txt",
    "azure-cli": "python/requirements-azure-cli.txt",
    "readers": "python/requirements-readers.txt",
    "duckdb-delta": "python/requirements-duckdb-delta.txt",
    "javascript": "javascript/requirements.txt",
}
NODE_FILES = ["javascript/package.json", "javascript/package-lock.json", "javascript/.npmrc"]
