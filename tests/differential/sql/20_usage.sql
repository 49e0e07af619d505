-- Usage: where it is posted (4.5), what it is added up by (2.3), in which unit (2.1) and at which price (2.2).

CREATE TABLE posted AS
WITH known AS (
    SELECT
        lower(subscriptionId) AS subscription, lower(coalesce(resourceId, '')) AS resource, lower(meterId) AS meter,
        lower(partNumber) AS part, lower(offerId) AS offer, unitOfMeasure AS unit,
        coalesce(pricingModel, 'OnDemand') = 'Spot' AS spot,
        lower(coalesce(resourceGroup, regexp_extract(resourceId, '(?i)/resourceGroups/([^/]+)', 1))) AS resource_group,
        tags, additionalInfo AS info,
        coalesce(date, left(time, 10))::DATE AS own_day, substr(time, 12, 2)::INTEGER AS own_hour,
        scaled(quantity) AS quantity, rtrim(replace(receivedAt, '+00', ''), 'Z')::TIMESTAMP AS received
    FROM usage_record),
arrived AS (
    SELECT known.*, received >= close_of(own_day) AS late FROM known, parameter WHERE received <= as_of)
SELECT
    subscription, resource, meter, part, offer, unit, spot, resource_group, tags, info, late,
    CASE WHEN late THEN received::DATE ELSE own_day END AS day,
    CASE WHEN late THEN NULL ELSE own_hour END AS hour,
    -- Late rows of different real times are different rows: AdditionalInfo has that time.
    CASE WHEN late THEN own_day END AS late_day, CASE WHEN late THEN own_hour END AS late_hour,
    sum(quantity)::HUGEINT AS quantity
FROM arrived GROUP BY ALL;

-- The prices that fit a usage: exactly one must.
CREATE TABLE fitting AS
WITH asked AS (SELECT DISTINCT period_of(day) AS period, meter, part, offer FROM posted)
SELECT asked.*, min(line) AS line, count(line) AS lines
FROM asked LEFT JOIN price ON price.meter = asked.meter AND price_type = 'Consumption'
    AND asked.period BETWEEN first_period AND last_period
    AND (asked.part IS NULL OR asked.part = price.part) AND (asked.offer IS NULL OR asked.offer = price.offer)
GROUP BY asked.period, asked.meter, asked.part, asked.offer;

-- A piece of a daily row: the whole of it, or one hour. Quantities are in blocks of the row's unit, prices per block.
CREATE TABLE piece AS
WITH priced AS (
    SELECT
        posted.*, period_of(day) AS period, price.line, price.blended, price.marketplace, price.eligible, price.price,
        coalesce(posted.unit, price.unit) AS row_unit, block_of(price.unit) AS sheet_block
    FROM posted
    JOIN fitting ON period_of(day) = fitting.period AND posted.meter = fitting.meter
        AND posted.part IS NOT DISTINCT FROM fitting.part AND posted.offer IS NOT DISTINCT FROM fitting.offer
    JOIN price USING (line)
    WHERE lines = 1)
SELECT
    row_number() OVER (ORDER BY day, hour, subscription, resource, meter, line, row_unit, spot, tags, info, late_day, late_hour)
        AS piece,
    priced.* EXCLUDE (price, quantity),
    block_of(row_unit) AS row_block,
    exactly(price * block_of(row_unit), sheet_block)::HUGEINT AS unit_price,
    (CASE WHEN unit IS NULL THEN exactly(quantity * one(), sheet_block) ELSE quantity END)::HUGEINT AS quantity,
    (CASE WHEN unit IS NULL THEN exactly(quantity * one(), sheet_block)
          ELSE exactly(quantity * block_of(row_unit), sheet_block) END)::HUGEINT AS sheet_quantity,
    (CASE WHEN unit IS NULL THEN exactly(quantity * one(), sheet_block) ELSE quantity END)::HUGEINT AS rest
FROM priced;

CREATE TABLE held_back AS
SELECT period_of(day) AS period, posted.meter, posted.subscription, sum(quantity) AS quantity
FROM posted JOIN fitting ON period_of(day) = fitting.period AND posted.meter = fitting.meter
    AND posted.part IS NOT DISTINCT FROM fitting.part AND posted.offer IS NOT DISTINCT FROM fitting.offer
WHERE lines <> 1 GROUP BY ALL;
