"""Asks for enrollments, departments, accounts and billing periods with Microsoft's azure-mgmt-billing, unmodified: 8 is built on
azure-core, 1 on msrest.

The plan has the `key`, what is `expected`, and `cases`: of which `kind` something is asked for, and which `way`, all at once or one
by one.
"""

import os
import time

from azure.mgmt.billing import BillingManagementClient

from harness import run_plan, same


class StaticToken:
    """A credential that is an API key."""

    def __init__(self, key):
        self.key = key

    def get_token(self, *_scopes, **_options):
        from azure.core.credentials import AccessToken

        return AccessToken(self.key, int(time.time()) + 3600)


def newer(plan):
    return BillingManagementClient(
        StaticToken(plan["key"]), plan["expected"]["subscription"], base_url=plan["endpoint"], connection_verify=plan["ca"]
    )


def older(plan):
    from msrest.authentication import BasicTokenAuthentication

    os.environ["REQUESTS_CA_BUNDLE"] = plan["ca"]
    credential = BasicTokenAuthentication({"access_token": plan["key"]})
    return BillingManagementClient(credential, plan["expected"]["subscription"], base_url=plan["endpoint"])


def accounts(plan, way):
    expected, own = plan["expected"], newer(plan).billing_accounts
    found = list(own.list()) if way == "all" else [own.get(expected["enrollment"])]
    same("enrollments", [one.name for one in found], [expected["enrollment"]])
    facts = found[0].properties
    said = (facts.display_name, facts.agreement_type, facts.account_type, facts.enrollment_details.currency)
    same("what is said of it", said, (expected["name"], "EnterpriseAgreement", "Enterprise", expected["currency"]))


def departments(plan, way):
    expected, own = plan["expected"], newer(plan).departments
    enrollment = expected["enrollment"]
    if way == "all":
        found = list(own.list_by_billing_account(enrollment))
    else:
        found = [own.get(enrollment, id_) for id_ in expected["departments"]]
    same("departments", {one.name: one.properties.display_name for one in found}, expected["departments"])


def check_accounts(found, expected, ids):
    said = {one.name: [one.properties.display_name, one.properties.account_owner] for one in found}
    same("accounts", said, {id_: expected["accounts"][id_] for id_ in ids})
    for one in found:
        within = expected["within"][one.name]
        id_ = within[0] if len(within) == 1 else None
        department = (one.properties.department_id, one.properties.department_display_name)
        same(f"department of {one.name}", department, (id_, id_ and expected["departments"][id_]))


def enrollment_accounts(plan, way):
    expected, own = plan["expected"], newer(plan).enrollment_accounts
    enrollment = expected["enrollment"]
    if way == "all":
        found = list(own.list_by_billing_account(enrollment))
    else:
        found = [own.get(enrollment, id_) for id_ in expected["accounts"]]
    check_accounts(found, expected, expected["accounts"])


def accounts_of_departments(plan, way):
    expected, own = plan["expected"], newer(plan).enrollment_accounts
    enrollment = expected["enrollment"]
    for department in expected["departments"]:
        ids = [id_ for id_, within in expected["within"].items() if department in within]
        if way == "all":
            found = list(own.list_by_department(enrollment, department))
        else:
            found = [own.get_by_department(enrollment, department, id_) for id_ in ids]
        check_accounts(found, expected, ids)


def periods(plan, way):
    expected, own = plan["expected"], older(plan).billing_periods
    if way == "one":
        found = [own.get(name) for name, _, _ in expected["periods"]]
    else:
        found = list(own.list())
        last = expected["periods"][-1][2]
        after = [one.name for one in own.list(filter=f"billingPeriodEndDate gt {last}")]
        same("periods that end later", after, [name for name, _, end in expected["periods"] if end > last])
        same("the newest one", [one.name for one in own.list(top=1)], [expected["periods"][0][0]])
    said = [[one.name, one.billing_period_start_date.isoformat(), one.billing_period_end_date.isoformat()] for one in found]
    same("periods", said, expected["periods"])


def principals(plan, way):
    expected, own = plan["expected"], older(plan).enrollment_accounts
    found = list(own.list()) if way == "all" else [own.get(id_) for id_ in expected["accounts"]]
    owners = {id_: owner for id_, (_, owner) in expected["accounts"].items()}
    same("owners", {one.name: one.principal_name for one in found}, owners)


KINDS = {
    "account": accounts,
    "department": departments,
    "enrollment account": enrollment_accounts,
    "accounts of a department": accounts_of_departments,
    "billing period": periods,
    "principal": principals,
}

run_plan(lambda plan, case: KINDS[case["kind"]](plan, case["way"]))
