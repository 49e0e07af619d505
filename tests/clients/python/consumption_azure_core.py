"""azure-mgmt-consumption from version 8 on, which is built on azure-core."""

import time

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.mgmt.consumption import ConsumptionManagementClient


class StaticToken:
    """A credential that is an API key."""

    def __init__(self, key):
        self.key = key

    def get_token(self, *_scopes, **_options):
        return AccessToken(self.key, int(time.time()) + 3600)


class Client:
    """The SDK with a note of each body that it was sent."""

    refusal = HttpResponseError

    def __init__(self, plan, case):
        self.bodies = []
        self.sdk = ConsumptionManagementClient(
            StaticToken(plan["keys"][case["key"]]),
            case["subscription"],
            base_url=plan["endpoint"],
            connection_verify=plan["ca"],
        )

    def noted(self):
        return {"raw_response_hook": lambda answer: self.bodies.append(answer.http_response.text())}

    def usage(self, case):
        return self.sdk.usage_details.list(case["scope"], **case["options"], **self.noted())

    def balance(self, enrollment, period):
        if period is None:
            return self.sdk.balances.get_by_billing_account(enrollment, **self.noted())
        return self.sdk.balances.get_for_billing_period_by_billing_account(enrollment, period, **self.noted())

    @staticmethod
    def status_and_code(error):
        return error.status_code, error.error and error.error.code
