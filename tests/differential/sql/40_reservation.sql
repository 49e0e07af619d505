-- One reservation takes usage (3.4): running sums of reservation-hours by day, or by hour for hourly usage.
CREATE OR REPLACE TEMP TABLE taken AS
WITH candidate AS (
    SELECT
        piece.piece, piece.day, piece.hour, piece.subscription, piece.resource, piece.meter, rest, ratio,
        rest * ratio AS wanted, CASE WHEN hour IS NULL THEN capacity ELSE capacity // 24 END AS capacity
    FROM piece
    JOIN benefit_day ON benefit_day.day = piece.day AND benefit_day.benefit = $benefit
    JOIN term ON term.benefit = $benefit
    JOIN benefit_meter ON benefit_meter.benefit = $benefit AND benefit_meter.meter = piece.meter
    WHERE rest > 0 AND NOT spot AND NOT marketplace AND NOT late
        AND in_scope($benefit, scope, scope_subscription, scope_group, piece.subscription, piece.resource_group)),
running AS (
    SELECT candidate.*, capacity - coalesce(sum(wanted) OVER (
        PARTITION BY day, hour ORDER BY subscription, resource, meter, piece
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::HUGEINT AS room
    FROM candidate)
SELECT
    piece, least(wanted, room) AS weight, CASE WHEN wanted <= room THEN rest ELSE room // ratio END AS quantity
FROM running WHERE room > 0;
