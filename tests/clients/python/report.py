"""Drives Cost Details reports with Microsoft's SDK for Python, unmodified but for endpoint, credential and CA.

Runs with version 4.0.1 and with 5.0.0, which differ in the shape of the result.
"""

import datetime
import time

from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.mgmt.costmanagement import CostManagementClient
from azure.mgmt.costmanagement.models import CostDetailsTimePeriod, GenerateCostDetailsReportRequestDefinition

from blobs import REPORT_SECONDS_MAX, check_costs, download
from harness import run_plan, same


class StaticToken:
    """A credential that is an API key."""

    def __init__(self, key):
        self.key = key

    def get_token(self, *_scopes, **_options):
        return AccessToken(self.key, int(time.time()) + 3600)


def definition(request):
    """The SDK's model of a request body."""
    members = {}
    if "metric" in request:
        members["metric"] = request["metric"]
    if "timePeriod" in request:
        members["time_period"] = CostDetailsTimePeriod(**request["timePeriod"])
    if "billingPeriod" in request:
        members["billing_period"] = request["billingPeriod"]
    return GenerateCostDetailsReportRequestDefinition(**members)


def ask(plan, case):
    """Drives a report to its end, asks for the same operation once more by its name, and gives its result."""
    # The SDK takes a Retry-After of 0 for none and would wait 30 s.
    options = {"polling_interval": 0} if plan["poll_at_once"] else {}
    credential = StaticToken(plan["keys"][case["key"]])
    with CostManagementClient(credential, base_url=plan["endpoint"], connection_verify=plan["ca"]) as client:
        reports = client.generate_cost_details_report
        result = end_of(reports.begin_create_operation(case["scope"], definition(case["request"]), **options))
        again = end_of(reports.begin_get_operation_results(case["scope"], result.name, **options))
    same("the operation asked for by its name", (again.name, again.status), (result.name, result.status))
    return result


def end_of(poller):
    result = poller.result(timeout=REPORT_SECONDS_MAX)
    assert poller.done(), f"the report has not ended after {REPORT_SECONDS_MAX} s"
    return result


def check_completed(plan, case, result):
    expected = case["expect"]
    # The newest SDK keeps the manifest together, the older one spreads it over the result.
    manifest = getattr(result, "manifest", None) or result
    same("data format", manifest.data_format, "Csv")
    same("compressed", manifest.compress_data, False)
    same("blob count", manifest.blob_count, len(manifest.blobs))
    assert manifest.blob_count >= expected["blobs_min"], f"only {manifest.blob_count} blobs"
    assert result.valid_till > datetime.datetime.now(datetime.timezone.utc), f"the links ended at {result.valid_till}"
    blobs = [download(blob.blob_link, plan["ca"]) for blob in manifest.blobs]
    same("blob sizes", [len(blob) for blob in blobs], [blob.byte_count for blob in manifest.blobs])
    same("size of all blobs", manifest.byte_count, sum(len(blob) for blob in blobs))
    check_costs(blobs, expected)


def check_refused(expected, error):
    same("HTTP status", error.status_code, expected["http_status"])
    if expected["http_status"] == 401:
        assert isinstance(error, ClientAuthenticationError), f"a wrong key is a {type(error).__name__}"
    assert error.error and error.error.code, f"the SDK found no error code in {error.message!r}"
    assert expected["text"] in error.message, f"{expected['text']!r} is not in {error.message!r}"


def check(plan, case):
    expected = case["expect"]
    try:
        result = ask(plan, case)
    except HttpResponseError as error:
        if "http_status" not in expected:
            raise
        check_refused(expected, error)
        return
    assert "http_status" not in expected, f"the report ended as {result.status}, but should have been refused"
    same("status of the report", result.status, expected["status"])
    if expected["status"] == "Completed":
        check_completed(plan, case, result)
    if expected["status"] == "Failed":
        assert result.error and result.error.code and result.error.message, "a failed report does not say why"
        assert expected["text"] in result.error.message, f"{expected['text']!r} is not in {result.error.message!r}"


run_plan(check)
