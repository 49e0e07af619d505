-- Costs of usage: what benefits cover by shares of the day (3.4, 3.5), the rest by quantity and price (2.3).

CREATE TABLE covered_row AS
SELECT
    covered.benefit, piece.day, piece.period, piece.subscription, piece.resource, piece.meter, piece.eligible, piece.marketplace,
    sum(covered.weight)::HUGEINT AS weight, sum(covered.quantity)::HUGEINT AS quantity
FROM covered JOIN piece USING (piece) GROUP BY ALL;

CREATE TABLE covered_share AS
WITH first_share AS (
    SELECT covered_row.*, benefit_day.amount, benefit_day.capacity, share(benefit_day.amount, weight, benefit_day.capacity) AS cost
    FROM covered_row JOIN benefit_day USING (benefit, day)),
summed AS (
    SELECT first_share.*,
        sum(weight) OVER same_day AS used, sum(cost) OVER same_day AS spent,
        row_number() OVER (PARTITION BY benefit, day ORDER BY weight DESC, subscription, resource, meter) AS rank
    FROM first_share WINDOW same_day AS (PARTITION BY benefit, day))
-- A fully used day has no unused part that takes the residual: the greatest row does.
SELECT summed.* EXCLUDE (cost), (CASE WHEN used = capacity AND rank = 1 THEN cost + amount - spent ELSE cost END)::HUGEINT AS cost
FROM summed;

CREATE TABLE unused AS
SELECT
    benefit_day.benefit, benefit_day.day, benefit_day.capacity - coalesce(sum(weight), 0)::HUGEINT AS unused, benefit_day.capacity,
    benefit_day.amount - coalesce(sum(cost), 0)::HUGEINT AS cost
FROM benefit_day LEFT JOIN covered_share USING (benefit, day)
GROUP BY benefit_day.benefit, benefit_day.day, benefit_day.amount, benefit_day.capacity;

-- What no benefit covers. A row that is covered wholly leaves nothing; a row of quantity 0 stays.
CREATE TABLE demand_row AS
SELECT
    period, day, subscription, resource, meter, line, row_unit, spot, tags, info, late_day, late_hour, marketplace, eligible, blended,
    unit_price, sum(rest)::HUGEINT AS quantity, sum(sheet_quantity)::HUGEINT AS sheet_quantity
FROM piece GROUP BY ALL HAVING sum(rest) <> 0 OR sum(abs(piece.quantity)) = 0;

-- Tiers and included quantities: one price for the period (2.3). In units of 10^-24.
CREATE TABLE blended_total AS
WITH used AS (SELECT period, line, sum(sheet_quantity)::HUGEINT AS used FROM piece WHERE blended GROUP BY ALL)
SELECT
    period, line, used,
    sum(greatest(0::HUGEINT, least(used, coalesce(next, used)) - greatest(first, included)) * tier.price)::HUGEINT AS total
FROM used JOIN tier USING (line) JOIN price USING (line) GROUP BY period, line, used;

CREATE TABLE demand_cost AS
WITH shared AS (
    SELECT demand_row.*, total, used,
        CASE WHEN NOT blended THEN demand_row.quantity * unit_price
             WHEN used > 0 THEN share(total, sheet_quantity, used * one()) * one()
             ELSE 0 END AS cost
    FROM demand_row LEFT JOIN blended_total USING (period, line)),
ranked AS (
    SELECT shared.*, sum(cost) OVER (PARTITION BY period, line) AS spent,
        row_number() OVER (PARTITION BY period, line ORDER BY sheet_quantity DESC, day, subscription, resource, meter) AS rank
    FROM shared)
SELECT ranked.* EXCLUDE (cost),
    (CASE WHEN blended AND used > 0 AND rank = 1 THEN cost + total - spent ELSE cost END)::HUGEINT AS cost
FROM ranked;
