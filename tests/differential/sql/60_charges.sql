-- The charges of both datasets (3.1). Costs in units of 10^-24, quantities in units of 10^-18.

CREATE TABLE charge (
    dataset VARCHAR, period VARCHAR, day DATE, charge_type VARCHAR, pricing_model VARCHAR, meter VARCHAR, subscription VARCHAR,
    resource VARCHAR, benefit VARCHAR, eligible BOOLEAN, marketplace BOOLEAN, quantity HUGEINT, cost HUGEINT);

CREATE TABLE dataset AS SELECT unnest(['ActualCost', 'AmortizedCost']) AS dataset;

INSERT INTO charge
SELECT
    dataset, period, day, 'Usage', CASE WHEN marketplace THEN 'Marketplace' WHEN spot THEN 'Spot' ELSE 'OnDemand' END, meter,
    subscription, resource, '', eligible, marketplace, quantity * 1000000, cost
FROM demand_cost, dataset;

INSERT INTO charge
SELECT
    dataset, period, day, 'Usage', CASE WHEN kind = 'savingsPlan' THEN 'SavingsPlan' ELSE 'Reservation' END, meter,
    covered_share.subscription, resource, benefit, covered_share.eligible, covered_share.marketplace, quantity * 1000000,
    CASE WHEN dataset = 'ActualCost' THEN 0 ELSE cost * one() END
FROM covered_share JOIN term USING (benefit), dataset;

INSERT INTO charge
SELECT
    'AmortizedCost', period_of(day), day, CASE WHEN kind = 'savingsPlan' THEN 'UnusedSavingsPlan' ELSE 'UnusedReservation' END,
    CASE WHEN kind = 'savingsPlan' THEN 'SavingsPlan' ELSE 'Reservation' END, '', '', '', benefit, true, false,
    CASE WHEN kind = 'savingsPlan' THEN half_even(unused, commitment) * 1000000 ELSE unused END, cost * one()
FROM unused JOIN term USING (benefit);

INSERT INTO charge
SELECT
    'AmortizedCost', period_of(day), day, CASE WHEN kind = 'savingsPlan' THEN 'UnusedSavingsPlan' ELSE 'UnusedReservation' END,
    CASE WHEN kind = 'savingsPlan' THEN 'SavingsPlan' ELSE 'Reservation' END, '', '', '', benefit, true, false, 0,
    settlement * one()
FROM returned WHERE settlement <> 0;

INSERT INTO charge
SELECT
    'ActualCost', period_of(day), day, 'Purchase', CASE WHEN kind = 'savingsPlan' THEN 'SavingsPlan' ELSE 'Reservation' END, '',
    subscription, '', benefit, eligible, false, units * 1000000 * one(), amount * one()
FROM installment JOIN term USING (benefit);

INSERT INTO charge
SELECT
    'ActualCost', period, day, 'Refund', CASE WHEN kind = 'savingsPlan' THEN 'SavingsPlan' ELSE 'Reservation' END, '',
    subscription, '', benefit, eligible, false, -units * 1000000 * one(), -amount * one()
FROM returned;

INSERT INTO charge
WITH occurrence AS (
    SELECT purchase.* EXCLUDE (day), unnest(CASE recurrence
        WHEN 'Monthly' THEN list_transform(range(1200), lambda i: (day + to_months(i::INTEGER))::DATE)
        WHEN 'Yearly' THEN list_transform(range(100), lambda i: (day + to_years(i::INTEGER))::DATE)
        ELSE [day] END) AS day
    FROM purchase)
SELECT
    dataset, period_of(day), day, 'Purchase', CASE WHEN marketplace THEN 'Marketplace' ELSE 'OnDemand' END, meter, subscription, '',
    purchase, eligible, marketplace, quantity * 1000000, amount * one()
FROM occurrence, dataset, parameter WHERE day <= today AND day <= coalesce(until, day);

INSERT INTO charge
SELECT
    dataset, period_of(refund.day), refund.day, 'Refund', CASE WHEN marketplace THEN 'Marketplace' ELSE 'OnDemand' END, meter,
    subscription, '', purchase, eligible, marketplace, -refund.quantity * 1000000, -refund.amount * one()
FROM refund JOIN purchase USING (purchase), dataset, parameter WHERE refund.day <= today;

-- Invoice lines are cut; what that takes away is one charge per period and class (2.5 no. 3 and 4).
CREATE TABLE invoice_line AS
SELECT
    period, CASE WHEN eligible THEN 'eligible' WHEN marketplace THEN 'marketplace' ELSE 'separately' END AS class, subscription,
    CASE WHEN charge_type = 'Usage' THEN meter ELSE benefit END AS item, charge_type = 'Usage' AS is_usage,
    sum(cost)::HUGEINT AS exact, (sum(cost)::HUGEINT // (minor_unit() * one())) * minor_unit() * one() AS cut
FROM charge WHERE dataset = 'ActualCost' GROUP BY ALL;

INSERT INTO charge
SELECT
    dataset, period, last_day(strptime(period || '01', '%Y%m%d')::DATE), 'RoundingAdjustment', '', '', '', '', '', class = 'eligible',
    class = 'marketplace', 1000000 * one(), sum(cut - exact)::HUGEINT
FROM invoice_line, dataset GROUP BY dataset, period, class HAVING sum(cut - exact) <> 0;

-- Ownership by the day of the row (rule 4 of section 1).
CREATE TABLE owned_charge AS
SELECT charge.*, coalesce(held.account, '') AS account, coalesce(within.department, '') AS department
FROM charge
LEFT JOIN subscription_account AS held
    ON held.subscription = charge.subscription AND charge.day >= held.from_day AND charge.day < held.until_day
LEFT JOIN account_department AS within
    ON lower(held.account) = within.account AND charge.day >= within.from_day AND charge.day < within.until_day;
