-- One savings plan takes usage (3.5): the greatest discount first, running sums of money by day, or by hour.
CREATE OR REPLACE TEMP TABLE taken AS
WITH rate AS (
    SELECT price.meter, price.first_period, price.last_period, price.price AS rate, block_of(price.unit) AS rate_block
    FROM price JOIN term ON term.benefit = $benefit AND price.months = term.months WHERE price_type = 'SavingsPlan'),
priced AS (
    SELECT
        piece.piece, piece.day, piece.hour, piece.subscription, piece.resource, piece.meter, rest, unit_price,
        exactly(rate * row_block, rate_block) AS plan_rate,
        CASE WHEN hour IS NULL THEN capacity ELSE capacity // 24 END AS capacity
    FROM piece
    JOIN benefit_day ON benefit_day.day = piece.day AND benefit_day.benefit = $benefit
    JOIN term ON term.benefit = $benefit
    JOIN rate ON rate.meter = piece.meter AND piece.period BETWEEN rate.first_period AND rate.last_period
    WHERE rest > 0 AND NOT spot AND NOT marketplace AND NOT late
        AND in_scope($benefit, scope, scope_subscription, scope_group, piece.subscription, piece.resource_group)),
candidate AS (
    -- A lower negotiated price is what counts against the commitment.
    SELECT priced.*, least(plan_rate, unit_price) AS counted, rest * least(plan_rate, unit_price) AS wanted,
        plan_rate * '100000000000000000000'::HUGEINT // unit_price AS undiscounted
    FROM priced WHERE unit_price > 0),
running AS (
    SELECT candidate.*, capacity - coalesce(sum(wanted) OVER (
        PARTITION BY day, hour ORDER BY undiscounted, subscription, resource, meter, piece
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::HUGEINT AS room
    FROM candidate)
SELECT
    piece, least(wanted, room) AS weight, CASE WHEN wanted <= room THEN rest ELSE room // counted END AS quantity
FROM running WHERE room > 0;
