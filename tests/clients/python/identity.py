"""Drives a report with Microsoft's SDK for Python and with its own credentials, which log in at the server.

`ClientSecretCredential` is told all in the code; `DefaultAzureCredential` is told who it is by variables, as in a script
that was written for Azure. At the tenant `adfs` neither needs an option that turns off the question to Microsoft.

The plan has `endpoint`, `ca`, `tenant`, `client_id`, `client_secret` and `cases`. A case names its `credential` and may
have a `tenant` or `client_secret` of its own.
"""

import contextlib
import logging
import os
import unittest.mock

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential, DefaultAzureCredential
from azure.mgmt.costmanagement import CostManagementClient
from azure.mgmt.costmanagement.models import GenerateCostDetailsReportRequestDefinition

from blobs import REPORT_SECONDS_MAX, check_costs, download
from harness import run_plan, same

# The credentials also log each refusal, with all of its text.
logging.getLogger("azure").setLevel(logging.CRITICAL)


def options(plan, tenant):
    """What must be said in the code. The tenant `adfs` says the one about instance discovery by itself."""
    own = {} if tenant == "adfs" else {"disable_instance_discovery": True}
    return {"connection_verify": plan["ca"], **own}


@contextlib.contextmanager
def from_code(plan, tenant, secret):
    with ClientSecretCredential(
        tenant, plan["client_id"], secret, authority=plan["endpoint"], **options(plan, tenant)
    ) as credential:
        yield credential


@contextlib.contextmanager
def from_variables(plan, tenant, secret):
    variables = {
        "AZURE_AUTHORITY_HOST": plan["endpoint"],
        "AZURE_TENANT_ID": tenant,
        "AZURE_CLIENT_ID": plan["client_id"],
        "AZURE_CLIENT_SECRET": secret,
        # Without it a refusal is followed by a search for other credentials on the machine.
        "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
    }
    with unittest.mock.patch.dict(os.environ, variables):
        with DefaultAzureCredential(**options(plan, tenant)) as credential:
            yield credential


CREDENTIALS = {"ClientSecretCredential": from_code, "DefaultAzureCredential": from_variables}


def ask(plan, case):
    """The result of a report, driven to its end."""
    tenant = case.get("tenant", plan["tenant"])
    secret = case.get("client_secret", plan["client_secret"])
    request = case["request"]
    definition = GenerateCostDetailsReportRequestDefinition(
        metric=request["metric"], billing_period=request["billingPeriod"]
    )
    with CREDENTIALS[case["credential"]](plan, tenant, secret) as credential:
        with CostManagementClient(credential, base_url=plan["endpoint"], connection_verify=plan["ca"]) as client:
            reports = client.generate_cost_details_report
            # The SDK takes a Retry-After of 0 for none and would wait 30 s.
            poller = reports.begin_create_operation(case["scope"], definition, polling_interval=0)
            result = poller.result(timeout=REPORT_SECONDS_MAX)
    assert poller.done(), f"the report has not ended after {REPORT_SECONDS_MAX} s"
    return result


def check(plan, case):
    expected = case["expect"]
    try:
        result = ask(plan, case)
    except ClientAuthenticationError as error:
        if "text" not in expected:
            raise
        assert expected["text"] in error.message, f"{expected['text']!r} is not in {error.message!r}"
        return
    assert "text" not in expected, f"the report ended as {result.status}, but the login should have been refused"
    same("status of the report", result.status, "Completed")
    check_costs([download(blob.blob_link, plan["ca"]) for blob in result.manifest.blobs], expected)


run_plan(check)
