-- Benefits: terms (3.2), prices, what each day costs (3.3), what is given back (3.6).

-- The term's price, its days, and the day after the last one.
CREATE TABLE term AS
WITH ending AS (
    SELECT benefit.*, (start + to_months(months))::DATE AS same_day FROM benefit, parameter WHERE start <= today),
lasting AS (
    -- A shorter month has no such day: then its last day is covered too.
    SELECT ending.*, CASE WHEN day(same_day) = day(start) THEN same_day ELSE same_day + 1 END AS after FROM ending),
sheet AS (
    SELECT benefit, any_value(price.price) AS unit_price, count(*) AS lines
    FROM lasting JOIN benefit_meter USING (benefit)
    JOIN price ON price.meter = benefit_meter.meter AND price_type = 'ReservedInstance' AND price.months = lasting.months
        AND period_of(start) BETWEEN first_period AND last_period
        AND (lasting.part IS NULL OR lasting.part = price.part)
    WHERE position = 0 GROUP BY benefit)
SELECT
    lasting.* EXCLUDE (same_day), (after - start)::HUGEINT AS days,
    coalesce(stated_price, CASE WHEN kind = 'savingsPlan' THEN commitment * 24 * (after - start) ELSE units * unit_price END)
        AS price
FROM lasting LEFT JOIN sheet USING (benefit);

-- Stretches of a term between returns: price, days and units that are left at the beginning of each.
CREATE TABLE stretch AS
WITH RECURSIVE numbered AS (
    SELECT giving_back.*, row_number() OVER (PARTITION BY benefit ORDER BY day) AS number
    FROM giving_back, parameter WHERE day <= today),
walk AS (
    SELECT benefit, 0::BIGINT AS number, start AS first_day, price::HUGEINT AS price, days::HUGEINT AS days, units::HUGEINT AS units
    FROM term
    UNION ALL
    SELECT
        walk.benefit, numbered.number, numbered.day,
        (CASE WHEN coalesce(numbered.units, walk.units) = walk.units THEN 0
              ELSE half_even(
                  (walk.price - half_even(walk.price * (numbered.day - walk.first_day), walk.days)) * (walk.units - numbered.units),
                  walk.units) END)::HUGEINT,
        (walk.days - (numbered.day - walk.first_day))::HUGEINT,
        (walk.units - coalesce(numbered.units, walk.units))::HUGEINT
    FROM walk JOIN numbered ON numbered.benefit = walk.benefit AND numbered.number = walk.number + 1)
SELECT walk.*, lead(first_day) OVER (PARTITION BY benefit ORDER BY number) AS next_first_day FROM walk;

-- Installments that are charged: an installment due on the day of return is not, the first one always is.
CREATE TABLE installment AS
WITH whole AS (SELECT benefit, min(first_day) AS returned FROM stretch WHERE units = 0 GROUP BY benefit),
due AS (
    SELECT
        benefit, i.i AS number, (start + to_months(i.i::INTEGER))::DATE AS day, months, price,
        CASE WHEN monthly
            THEN half_even(price * (i.i + 1), months * minor_unit()) * minor_unit() - half_even(price * i.i, months * minor_unit()) * minor_unit()
            ELSE price END AS amount
    FROM term, LATERAL (SELECT unnest(range(CASE WHEN monthly THEN months ELSE 1 END)) AS i) AS i)
SELECT due.benefit, number, day, amount::HUGEINT AS amount
FROM due LEFT JOIN whole USING (benefit), parameter
WHERE day <= today AND (returned IS NULL OR number = 0 OR day < returned);

-- Returns: what was paid and not consumed, what is paid back, and what settles the difference.
CREATE TABLE returned AS
WITH joined AS (
    SELECT
        after.benefit, after.first_day AS day, before.units - after.units AS units, term.monthly, term.eligible, term.kind,
        term.start, term.subscription, stated_refund,
        CASE WHEN term.monthly
            THEN (SELECT sum(amount) FROM installment WHERE installment.benefit = after.benefit AND (installment.day < after.first_day OR number = 0))
            ELSE before.price END AS paid,
        half_even(before.price * (after.first_day - before.first_day), before.days) AS consumed,
        after.price AS kept,
        (SELECT max(installment.day) FROM installment WHERE installment.benefit = after.benefit AND (installment.day < after.first_day OR number = 0)) AS charged
    FROM stretch AS after
    JOIN stretch AS before ON before.benefit = after.benefit AND before.number = after.number - 1
    JOIN term ON term.benefit = after.benefit
    JOIN giving_back ON giving_back.benefit = after.benefit AND giving_back.day = after.first_day),
refunded AS (
    SELECT joined.*, coalesce(stated_refund, greatest(0, to_minor(paid - consumed - kept, minor_unit())))::HUGEINT AS amount FROM joined)
SELECT
    refunded.*, (paid - consumed - kept - amount)::HUGEINT AS settlement,
    -- Before the close of the month of purchase the refund nets the purchase there (4.4).
    CASE WHEN day < close_of(charged) THEN period_of(charged) ELSE period_of(day) END AS period
FROM refunded;

-- Days of a benefit that are over, with what each costs and what can be covered.
CREATE TABLE benefit_day AS
SELECT
    term.benefit, day::DATE AS day, stretch.units,
    (half_even(stretch.price * (day::DATE - stretch.first_day + 1), stretch.days) - half_even(stretch.price * (day::DATE - stretch.first_day), stretch.days))::HUGEINT AS amount,
    -- Reservation-hours in units of 10^-18, money in units of 10^-24.
    (CASE WHEN kind = 'savingsPlan' THEN commitment * 24 * one() ELSE stretch.units * 24 * 1000000 * one() END)::HUGEINT AS capacity
FROM stretch JOIN term USING (benefit), parameter,
    LATERAL (SELECT unnest(generate_series(stretch.first_day, least(coalesce(next_first_day, after), today) - 1, INTERVAL 1 DAY)) AS day) AS days
WHERE stretch.units > 0;

-- What benefits covered: filled benefit by benefit.
CREATE TABLE covered (benefit VARCHAR, piece BIGINT, weight HUGEINT, quantity HUGEINT);

-- The order in which benefits take usage (3.4, D-16).
CREATE TABLE benefit_order AS
SELECT benefit, kind, row_number() OVER (ORDER BY
    kind = 'savingsPlan',
    CASE scope WHEN 'ResourceGroup' THEN 0 WHEN 'Subscription' THEN 1 WHEN 'ManagementGroup' THEN 2 ELSE 3 END,
    CASE WHEN kind = 'savingsPlan' THEN -months ELSE 0 END,
    start, benefit) AS position
FROM term;

CREATE MACRO in_scope(benefit_id, scope, scope_subscription, scope_group, usage_subscription, usage_group) AS
    CASE scope
        WHEN 'Shared' THEN true
        WHEN 'Subscription' THEN usage_subscription = scope_subscription
        WHEN 'ResourceGroup' THEN usage_subscription = scope_subscription AND usage_group = scope_group
        ELSE EXISTS (SELECT 1 FROM benefit_subscription AS listed WHERE listed.benefit = benefit_id AND listed.subscription = usage_subscription)
    END;
