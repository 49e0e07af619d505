-- Exact arithmetic with 128-bit integers. Amounts are in units of 10^-12, products of a quantity and a price in units of
-- 10^-24. `//` cuts toward zero.

CREATE MACRO half_up_to_even(quotient, remainder, divisor) AS
    quotient + CASE
        WHEN 2 * remainder > divisor OR (2 * remainder = divisor AND quotient % 2 = 1) THEN 1 ELSE 0
    END;

-- Half-even quotient of a number and a positive one.
CREATE MACRO half_even(number, divisor) AS
    sign(number)::HUGEINT * half_up_to_even(abs(number) // divisor, abs(number) % divisor, divisor);

-- Quotient and remainder of a × b / c where the product may have more than 128 bits: long division by four decimal
-- digits of a at a time. For 0 <= a < 10^36 and b, c below 10^34.
CREATE MACRO long_division(a, b, c) AS
    list_reduce(
        list_transform(
            ['100000000000000000000000000000000'::HUGEINT, '10000000000000000000000000000'::HUGEINT,
             '1000000000000000000000000'::HUGEINT, '100000000000000000000'::HUGEINT, '10000000000000000'::HUGEINT,
             '1000000000000'::HUGEINT, '100000000'::HUGEINT, '10000'::HUGEINT, '1'::HUGEINT],
            lambda weight: {'digits': (a // weight) % 10000, 'quotient': 0::HUGEINT, 'remainder': 0::HUGEINT}),
        lambda so_far, next: {
            'digits': 0::HUGEINT,
            'quotient': so_far.quotient * 10000 + (so_far.remainder * 10000 + next.digits * b) // c,
            'remainder': (so_far.remainder * 10000 + next.digits * b) % c},
        {'digits': 0::HUGEINT, 'quotient': 0::HUGEINT, 'remainder': 0::HUGEINT});

-- Half-even share: whole × weight / weights, for positive weights.
CREATE MACRO rounded_share(division, divisor) AS
    half_up_to_even(division.quotient, division.remainder, divisor);
CREATE MACRO share(whole, weight, weights) AS
    (sign(whole) * sign(weight))::HUGEINT
        * rounded_share(long_division(abs(whole)::HUGEINT, abs(weight)::HUGEINT, weights::HUGEINT), weights::HUGEINT);

-- An exact quotient; a remainder is an error, because the rules do not round there.
CREATE MACRO exactly(number, divisor) AS
    CASE WHEN number % divisor = 0 THEN number // divisor
         ELSE error('this evaluation needs more than 12 fraction digits') END;

-- A decimal text in units of 10^-12.
CREATE MACRO scaled(text) AS
    CASE WHEN length(rtrim(regexp_extract(text, '\.([0-9]*)$', 1), '0')) <= 12
         THEN replace(CAST(CAST(text AS DECIMAL(38, 12)) AS VARCHAR), '.', '')::HUGEINT
         ELSE error('a quantity has more than 12 fraction digits: ' || text) END;

CREATE MACRO one() AS 1000000000000::HUGEINT;
CREATE MACRO period_of(day) AS strftime(day, '%Y%m');
CREATE MACRO close_of(day) AS date_trunc('month', day) + INTERVAL 1 MONTH + INTERVAL 4 DAY;

-- An amount in units of 10^-12, half-even to the currency's minor units.
CREATE MACRO minor_unit() AS (SELECT (10 ** (12 - minor))::BIGINT::HUGEINT FROM parameter);
CREATE MACRO to_minor(amount, unit) AS half_even(amount, unit) * unit;

-- The block of a unit of measure, in units of 10^-12.
CREATE MACRO block_of(unit) AS
    CASE WHEN regexp_matches(trim(unit), '^[0-9]')
         THEN scaled(replace(regexp_extract(trim(unit), '^[0-9][0-9,.]*'), ',', ''))
              * CASE upper(regexp_extract(trim(unit), '^[0-9][0-9,.]*([KMBkmb])($|[^A-Za-z])', 1))
                    WHEN 'K' THEN 1000 WHEN 'M' THEN 1000000 WHEN 'B' THEN 1000000000 ELSE 1 END
         ELSE one() END;
