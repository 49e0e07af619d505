"""azure-mgmt-consumption 2 and 3, which are built on msrest."""

import os

from azure.mgmt.consumption import ConsumptionManagementClient
from azure.mgmt.consumption.models import ErrorResponseException
from msrest.authentication import BasicTokenAuthentication

from blobs import REPORT_SECONDS_MAX


class Client:
    """The SDK with a note of each body that it was sent."""

    refusal = ErrorResponseException

    def __init__(self, plan, case):
        self.bodies = []
        os.environ["REQUESTS_CA_BUNDLE"] = plan["ca"]
        # A token as other tools hand it over.
        credential = BasicTokenAuthentication({"access_token": plan["keys"][case["key"]]})
        self.sdk = ConsumptionManagementClient(credential, case["subscription"], base_url=plan["endpoint"])
        self.sdk.config.hooks.append(lambda answer, *_arguments, **_options: self.bodies.append(answer.text))

    def usage(self, case):
        details = self.sdk.usage_details
        # Version 3 takes scopes. Version 2 knows the subscription alone.
        if hasattr(details, "download"):
            return details.list(case["scope"], **case["options"])
        if case["period"] is None:
            return details.list(**case["options"])
        return details.list_by_billing_period(case["period"], **case["options"])

    def balance(self, enrollment, period):
        if period is None:
            return self.sdk.balances.get_by_billing_account(enrollment)
        return self.sdk.balances.get_for_billing_period_by_billing_account(enrollment, period)

    def download(self, case):
        poller = self.sdk.usage_details.download(case["scope"], **case["options"])
        result = poller.result(timeout=REPORT_SECONDS_MAX)
        assert poller.done(), f"the download has not ended after {REPORT_SECONDS_MAX} s"
        return result

    @staticmethod
    def status_and_code(error):
        return error.response.status_code, error.error and error.error.error and error.error.error.code
