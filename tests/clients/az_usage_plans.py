"""What `az consumption usage list` is asked to do, and what it must print: computed from the generated export alone."""

import plans
from consumption_plans import LARGE_PERIOD, NO_PERIOD, belongs, between, largest_subscription, nothing

FIRST, DAY_BEFORE_LAST, LAST = "2025-01-05", "2025-01-15", "2025-01-16"


def az_plan(large):
    """The cases for a principal that reads the generated enrollment, with the tables of rows that they share."""
    rows = plans.rows(large)
    subscription = largest_subscription(rows)
    another = next(row["SubscriptionId"] for row in rows if row["SubscriptionId"] != subscription)
    in_period = ["--billing-period-name", LARGE_PERIOD]
    in_days = ["--start-date", FIRST, "--end-date", LAST]
    everything = ["--include-meter-details", "--include-additional-properties"]
    # The CLI sends midnight as the time of both days, and a row ends a second before midnight: the last day is not shown.
    days = between(FIRST, DAY_BEFORE_LAST)
    made = {"tables": {"nothing": []}, "cases": []}

    def add(name, arguments, id_=subscription, condition=plans.everything, **expect):
        seen = belongs("subscription", id_)
        found = [[row["MeterId"], row["ProductName"], row["AccountName"]] for row in rows if seen(row) and condition(row)]
        made["tables"][name] = found
        expect = {"table": name, "subscription": id_, "period": LARGE_PERIOD, "expanded": False, **expect}
        made["cases"].append({"name": name, "arguments": ["--subscription", id_, *arguments], "expect": expect})

    add("current period, two pages", [])
    add("billing period, two pages, expanded", [*in_period, *everything], expanded=True)
    add("another subscription, meter details", ["--include-meter-details"], id_=another, expanded=True)
    add("another subscription, additional properties", ["--include-additional-properties"], id_=another)
    add("month without rows", ["--billing-period-name", NO_PERIOD], condition=nothing)
    add("top is a page, and there is no next one", ["--top", "7"], at_most=7)
    add("days", in_days, condition=days)
    add("days win over a period", [*in_days, "--billing-period-name", NO_PERIOD], condition=days)
    made["cases"].append({
        "name": "a period that cannot be", "arguments": ["--subscription", subscription, "--billing-period-name", "2025"],
        "expect": {"text": "BadRequest"},
    })  # fmt: skip
    return made
