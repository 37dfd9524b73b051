-- Chance without a random generator: the same seed, salt and key always give the same number.
-- The hash is taken twice, since combining alone would leave the low bits of two salts alike.
CREATE OR REPLACE MACRO chance(salt, key) AS hash(hash(getvariable('seed'), salt, key));
CREATE OR REPLACE MACRO draw(salt, key, n) AS CAST(chance(salt, key) % CAST(n AS UBIGINT) AS BIGINT);
CREATE OR REPLACE MACRO pick(options, salt, key) AS
    options[1 + CAST(chance(salt, key) % CAST(len(options) AS UBIGINT) AS BIGINT)];
-- Roughly normal, mean 0 and deviation 1: three uniform numbers added up.
CREATE OR REPLACE MACRO bell(salt, key) AS
    (draw(salt || '1', key, 1000000) + draw(salt || '2', key, 1000000)
     + draw(salt || '3', key, 1000000) - 1500000) / 500000.0;
-- Cents of a lognormal amount, in whole tens of yuan.
CREATE OR REPLACE MACRO lognormal_cents(salt, key, median_yuan, spread) AS
    CAST(round(median_yuan * exp(spread * bell(salt, key)) / 10) AS BIGINT) * 1000;
-- What an ordinary customer is inclined to follows, beside chance, what his bank can see of him: how
-- much he keeps on his account (roughly normal), and how often he books (0 to 99). The drawn balance
-- and the number of bookings are made of the same two.
CREATE OR REPLACE MACRO means(no) AS bell('opening', no);
CREATE OR REPLACE MACRO activity(no) AS draw('activity', no, 100);
-- Cases in a thousand: as many as named for middling means, e times as many for each deviation of
-- `slope` above them.
CREATE OR REPLACE MACRO inclined(per_mille, slope, no) AS
    CAST(round(per_mille * exp(slope * means(no))) AS BIGINT);
CREATE OR REPLACE MACRO clamp(x, low, high) AS least(greatest(x, low), high);
CREATE OR REPLACE MACRO money(cents) AS CAST(cents * CAST(0.01 AS DECIMAL(3, 2)) AS DECIMAL(18, 2));
-- The UTC instant of a bank date and the seconds since the bank's midnight.
CREATE OR REPLACE MACRO instant(day, seconds) AS
    CAST(day AS TIMESTAMP) + to_seconds(CAST(seconds AS BIGINT)) - INTERVAL 8 HOUR;
CREATE OR REPLACE MACRO customer_id(no) AS 10000000 + no;
CREATE OR REPLACE MACRO account_id(no, seq) AS 100000000 + no * 10 + seq;
CREATE OR REPLACE MACRO loan_id(no, seq) AS 200000000 + no * 10 + seq;
CREATE OR REPLACE MACRO card_id(no, seq) AS 300000000 + no * 10 + seq;
CREATE OR REPLACE MACRO card_txn_id(card, day, place) AS card * 1000000 + (day - DATE '2010-01-01') * 10 + place;
CREATE OR REPLACE MACRO holding_id(no, seq) AS 400000000 + no * 10 + seq;
-- When what is dated so is first delivered, and the end of what has none.
CREATE OR REPLACE MACRO born(day) AS greatest(day, getvariable('from'));
CREATE OR REPLACE MACRO forever() AS DATE '9999-12-31';
