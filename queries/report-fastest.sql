-- Which implementation of an op is fastest at which sequence length, at the latest commit of every type and device.
--
-- Implementations of different ops compute different things and are not set against each other; `op` is null where it was
-- not recorded, as in imports, and all of those count as one. One row a range of neighbouring lengths with the same fastest
-- implementation. `lead` is how many times longer the second fastest takes (geometric mean over the cases of a length, then
-- smallest and largest over the lengths); it is null where nothing else was measured. `clear` says that at every case of the
-- range the middle halves of both implementations' samples, three at least, lie apart.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
WITH
  times AS MATERIALIZED (
    SELECT *, mean_ns AS mean, q1_ns AS q1, median_ns AS median, q3_ns AS q3
    FROM latest_times
    WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
  ),
  lengths AS (
    SELECT
      type, device, metric, commit, op, seq_len, implementation,
      count(*) AS cases,
      exp(avg(ln(median))) AS time
    FROM times
    GROUP BY type, device, metric, commit, op, seq_len, implementation
  ),
  -- Only implementations that did all cases of the length that any did compete for it.
  complete AS (
    SELECT *, max(cases) OVER (PARTITION BY type, device, metric, op, seq_len) AS most FROM lengths
  ),
  placed AS (
    SELECT
      *,
      row_number() OVER by_time AS place,
      lead(implementation) OVER by_time AS second,
      lead(time) OVER by_time / time AS lead
    FROM complete
    WHERE cases = most
    WINDOW by_time AS (PARTITION BY type, device, metric, op, seq_len ORDER BY time, implementation)
  ),
  winners AS MATERIALIZED (
    SELECT
      *,
      CAST(row_number() OVER (PARTITION BY type, device, metric, op ORDER BY seq_len NULLS FIRST) AS BIGINT)
        - CAST(row_number() OVER (
            PARTITION BY type, device, metric, op, implementation ORDER BY seq_len NULLS FIRST
          ) AS BIGINT) AS island
    FROM placed
    WHERE place = 1
  ),
  apart AS (
    SELECT
      w.type, w.device, w.metric, w.op, w.seq_len,
      bool_and(f.q3 < s.q1 AND f.sample_count >= 3 AND s.sample_count >= 3) AS clear
    FROM winners w
    JOIN times f
      ON f.type = w.type AND f.device = w.device AND f.metric = w.metric
      AND coalesce(f.seq_len, 0) = coalesce(w.seq_len, 0) AND f.implementation = w.implementation
    JOIN times s
      ON s.type = f.type AND s.device = f.device AND s.metric = f.metric AND s.config = f.config
      AND s.implementation = w.second
    GROUP BY w.type, w.device, w.metric, w.op, w.seq_len
  )
SELECT
  w.type || ' · ' || w.device || ' · ' || w.metric AS section,
  w.type, w.device, w.metric, w.commit, w.op, w.implementation,
  min(w.seq_len) AS shortest,
  max(w.seq_len) AS longest,
  count(*) AS lengths,
  min(w.lead) AS least_lead,
  max(w.lead) AS greatest_lead,
  string_agg(DISTINCT w.second, ', ' ORDER BY w.second) AS second,
  bool_and(a.clear) AS clear
FROM winners w
LEFT JOIN apart a
  ON a.type = w.type AND a.device = w.device AND a.metric = w.metric AND (a.op IS NOT DISTINCT FROM w.op)
  AND coalesce(a.seq_len, 0) = coalesce(w.seq_len, 0)
GROUP BY w.type, w.device, w.metric, w.commit, w.op, w.implementation, w.island
ORDER BY w.type, w.device, w.metric, w.op, shortest;
