"""Which environments there are, and the lists of pins that each is made from."""

PYTHON_LISTS = {
    "sdk-5.0.0": "python/requirements-sdk-5.0.0.txt",
    "sdk-4.0.1": "python/requirements-sdk-4.0.1.txt",
    "consumption-11": "python/requirements-consumption-11.0.0.txt",
    "consumption-10": "python/requirements-consumption-10.0.0.txt",
    "consumption-8": "python/requirements-consumption-8.0.0.txt",
    "consumption-3": "python/requirements-consumption-3.0.0.txt",
    "consumption-2": "python/requirements-consumption-2.0.0.txt",
    "billing-8": "python/requirements-billing-8.0.0.txt",
    "billing-1": "python/requirements-billing-1.0.0.txt",
    "identity": "python/requirements-identity.txt",
    "azure-cli": "python/requirements-azure-cli.txt",
    "readers": "python/requirements-readers.txt",
    "duckdb-delta": "python/requirements-duckdb-delta.txt",
    "javascript": "javascript/requirements.txt",
}
NODE_FILES = ["javascript/package.json", "javascript/package-lock.json", "javascript/.npmrc"]
