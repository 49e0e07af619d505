"""Pages over HTTP on loopback: a served store, one connection that is kept, the time from the request to the last byte."""

import json
import os
import socket
import subprocess
import time
import urllib.parse
import uuid
from decimal import Decimal

from columns import BOOLEANS, DATES, DECIMALS, MEMBERS
from datasets import ENROLLMENT, PERIOD
from measure import two_cores

API_VERSION = "2024-08-01"
ROWS = 1000
# Names of rows are made in this space (`crates/formats/src/json/member.rs`).
NAME_SPACE = uuid.UUID("6f1d5a6c-1b0e-5c3f-9a41-7c0d93b842e7")
ANSWER_SECONDS_MAX = 60


class Server:
    """`lazurite serve` over a store, on two cores, with a connection."""

    def __init__(self, lazurite, data_set, log):
        self.key, store = data_set.key, data_set.store
        command = [lazurite, "serve", "--data", store, "--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0"]
        command = [str(part) for part in [*command, "--clock", "latest-held", "--json"]]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LAZURITE_")}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=kept, preexec_fn=two_cores)
        ready = json.loads(self.process.stdout.readline())
        self.address = urllib.parse.urlsplit(ready["http"])
        self.buffer = bytearray(64 << 20)
        self.connection = None
        self.connect()

    def connect(self):
        """A fresh connection: the server closes one on which nothing was asked for long."""
        if self.connection is not None:
            self.connection.close()
        place = (self.address.hostname, self.address.port)
        self.connection = socket.create_connection(place, timeout=ANSWER_SECONDS_MAX)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self.connection.close()
        self.process.terminate()
        self.process.wait()

    def get(self, target):
        """The body of an answer of 200, and the seconds from the first byte sent to the last byte read."""
        request = f"GET {target} HTTP/1.1\r\nHost: {self.address.netloc}\r\nAuthorization: Bearer {self.key}\r\n\r\n"
        started = time.perf_counter()
        self.connection.sendall(request.encode("ascii"))
        view, filled, whole = memoryview(self.buffer), 0, None
        while whole is None or filled < whole:
            count = self.connection.recv_into(view[filled:])
            if count == 0:
                raise SystemExit(f"the server closed the connection during {target}")
            filled += count
            head = self.buffer.find(b"\r\n\r\n", 0, filled) if whole is None else -1
            if head >= 0:
                whole = head + 4 + content_length(bytes(self.buffer[:head]))
                body = head + 4
        seconds = time.perf_counter() - started
        if not self.buffer.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"{target}: {bytes(self.buffer[: min(filled, 600)])!r}")
        return bytes(self.buffer[body:filled]), seconds

    def cpu_seconds(self):
        """User and system seconds of the server so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_bytes(self):
        """Peak memory of the server so far."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024


def content_length(head):
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise SystemExit("an answer has no Content-Length")


def first_page(condition=None):
    """The address of the first page of the month, of the rows that a condition asks for."""
    scope = f"/providers/Microsoft.Billing/billingAccounts/{ENROLLMENT}/billingPeriods/{PERIOD}"
    query = {"api-version": API_VERSION, "$top": ROWS} | ({"$filter": condition} if condition else {})
    return f"{scope}/providers/Microsoft.Consumption/usageDetails?{urllib.parse.urlencode(query, quote_via=urllib.parse.quote)}"


def next_page(body):
    """The address of the page after this one; `None` after the last."""
    # The link stands in front of the rows.
    head = body[: body.find(b'"value":[')] + b'"value":[]}'
    link = json.loads(head).get("nextLink")
    if link is None:
        return None
    parts = urllib.parse.urlsplit(link)
    return f"{parts.path}?{parts.query}"


def pages_at(server, rows):
    """The addresses of the pages that begin with some rows, ascending: found by walking there."""
    server.connect()
    target, found = first_page(), {}
    for number in range(rows[-1] // ROWS + 1):
        found[number * ROWS] = target
        body, _ = server.get(target)
        target = next_page(body)
    return [found[row] for row in rows]


def ours_by_value(body):
    """The rows of our page as texts by member, and their names."""
    rows = []
    for item in json.loads(body, parse_float=str, parse_int=str)["value"]:
        cells = {member: plain(MEMBERS[member], value) for member, value in item["properties"].items() if value is not None}
        tags = {name: value for name, value in (item["tags"] or {}).items()}
        rows.append((item["name"], sorted(tags.items()), sorted(cells.items())))
    return sorted(rows)


def theirs_by_value(text):
    """The rows of another engine's page in the same form."""
    rows = []
    for item in json.loads(text, parse_float=str, parse_int=str):
        name = str(uuid.uuid5(NAME_SPACE, f"{item.pop('sourceHash')} {item.pop('sourceRow')}"))
        tags = item.pop("tags", None)
        tags = json.loads("{" + tags + "}") if tags else {}
        cells = {member: plain(MEMBERS[member], value) for member, value in item.items() if value is not None}
        rows.append((name, sorted(tags.items()), sorted(cells.items())))
    return sorted(rows)


def plain(column, value):
    """A cell as comparable text: numbers in plain digits without padding, days without midnight."""
    if column in DECIMALS:
        return f"{Decimal(value).normalize():f}"
    if column in DATES:
        return value[:10]
    if column in BOOLEANS:
        return str(value).lower() in ("true", "1")
    return value
