"""A client of the Enterprise Reporting API, written as its public clients were before Microsoft switched it off.

`RetiredClient` calls and parses the way those do, bugs and all: `bearer` in lower case, a header for the version that is
none, version 3 of the paths, `nextLink` looked up on every page, three lines skipped in the file, and no credential for
the file. Only the host is another one. What it got is checked on the raw bodies, digit for digit.
"""

import csv
import decimal
import io
import json
import re
import time

import requests

from harness import run_plan, same

# A report of the sample data takes well under a second; a case that takes this long hangs.
REPORT_SECONDS_MAX = 120
decimal.getcontext().prec = 100


class RetiredClient:
    """Written for https://consumption.azure.com."""

    def __init__(self, host, key, ca):
        self.host = host
        self.headers = {"authorization": "bearer {}".format(key), "api-version": "1.0", "Content-Type": "application/json"}
        self.ca = ca
        # Not the client's: what came over the line, for the checks.
        self.bodies = []

    def get(self, url):
        response = requests.get(url, headers=self.headers, verify=self.ca, timeout=REPORT_SECONDS_MAX)
        response.raise_for_status()
        self.bodies.append(response.text)
        return response.json()

    def balance(self, enrollment, period):
        return self.get("{}/v3/enrollments/{}/billingPeriods/{}/balancesummary".format(self.host, enrollment, period))

    def periods(self, enrollment):
        return [period["billingPeriodId"] for period in self.get("{}/v3/enrollments/{}/billingperiods".format(self.host, enrollment))]

    def usage(self, enrollment, part):
        result = self.get("{}/v3/enrollments/{}/{}".format(self.host, enrollment, part))
        rows = result["data"]
        while result["nextLink"] is not None:
            result = self.get(result["nextLink"])
            rows += result["data"]
        return rows

    def file(self, version, enrollment, query):
        url = "{}/{}/enrollments/{}/usagedetails/submit?{}".format(self.host, version, enrollment, query)
        response = requests.post(url, headers=self.headers, verify=self.ca, timeout=REPORT_SECONDS_MAX)
        if response.status_code not in (200, 202):
            response.raise_for_status()
        job = response.json()
        started = time.monotonic()
        while job["status"] not in (3, 4, 5, 7):
            assert time.monotonic() < started + REPORT_SECONDS_MAX, "the report does not end"
            time.sleep(0.05)
            job = self.get(job["reportUrl"])
        if job["status"] != 3:
            return job, None
        # The link is a permission of its own.
        blob = requests.get(job["blobPath"], verify=self.ca, timeout=REPORT_SECONDS_MAX)
        blob.raise_for_status()
        return job, blob.content

    def download(self, version, enrollment, query):
        url = "{}/{}/enrollments/{}/usagedetails/download?{}".format(self.host, version, enrollment, query)
        response = requests.get(url, headers=self.headers, verify=self.ca, timeout=REPORT_SECONDS_MAX)
        response.raise_for_status()
        return response.content


def tables(content):
    """The rows of a file as three kinds of client read it."""
    text = content.decode("utf-8-sig")
    lines = text.split("\r\n")
    # With two lines to ignore before the header.
    by_name = list(csv.DictReader(io.StringIO("\r\n".join(lines[2:]), newline=""), strict=True))
    # With three lines to skip, and names of its own.
    names = lines[2].split(",")
    by_place = [dict(zip(names, row)) for row in csv.reader(io.StringIO("\r\n".join(lines[3:]), newline=""), strict=True) if row]
    # Looking for the header, however many lines stand before it.
    start = next(number for number, line in enumerate(lines) if line.startswith("AccountId,"))
    by_search = list(csv.DictReader(io.StringIO("\r\n".join(lines[start:]), newline=""), strict=True))
    assert by_name == by_place == by_search, "the ways to read the file disagree"
    return by_name


def exact(texts):
    return f"{sum(map(decimal.Decimal, texts)).normalize():f}"


def check_costs(texts, expected):
    same("number of rows", len(texts), expected["rows"])
    same("exact total", exact(texts), expected["total"])


def raw_costs(bodies):
    return [number for body in bodies for number in re.findall(r'"cost":([^,}]*)', body)]


def check(plan, case):
    key = plan["keys"][case["key"]]
    client = RetiredClient(plan["endpoint"], key, plan["ca"])
    expected = case["expect"]
    try:
        CHECKS[case["action"]](client, case, expected)
    except requests.HTTPError as error:
        if "http_status" not in expected:
            raise
        same("HTTP status", error.response.status_code, expected["http_status"])
        same("code", error.response.json()["error"]["code"], str(expected["http_status"]))
        return
    assert "http_status" not in expected, "it should have been refused"


def check_balance(client, case, expected):
    summary = client.balance(case["enrollment"], case["period"])
    same("members", list(summary), list(json.loads(expected["text"])))
    as_written = dict(parse_float=str, parse_int=str)
    same("digits", json.loads(client.bodies[0], **as_written), json.loads(expected["text"], **as_written))


def check_periods(client, case, expected):
    same("billing periods", client.periods(case["enrollment"]), expected["periods"])


def check_usage(client, case, expected):
    rows = client.usage(case["enrollment"], case["part"])
    same("pages", len(client.bodies), expected["pages"])
    same("parsed rows", len(rows), expected["rows"])
    check_costs(raw_costs(client.bodies), expected)
    assert all(row["date"].endswith("T00:00:00") and isinstance(row["accountId"], int) for row in rows)


def check_file(client, case, expected):
    job, content = client.file(case["version"], case["enrollment"], case["query"])
    same("status of the job", job["status"], expected["status"])
    same("enrollment of the job", job["enrollmentNumber"], case["enrollment"])
    if expected["status"] != 3:
        same("link of the job", job["blobPath"], "")
        return
    rows = tables(content)
    check_costs([row["Cost"] for row in rows], expected)
    same("columns", len(rows[0]), {"v2": 33, "v3": 40}[case["version"]])
    if expected.get("download"):
        same("the file at once", client.download(case["version"], case["enrollment"], case["query"]), content)


CHECKS = {"balance": check_balance, "periods": check_periods, "usage": check_usage, "file": check_file}

run_plan(check)
