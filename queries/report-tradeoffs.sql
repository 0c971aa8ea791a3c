-- What takes less memory than the fastest implementation, and how much longer it takes, at the latest commits.
--
-- Compared among implementations of one op, on the cases that both did right, by geometric means. An implementation is left
-- out where another one takes less memory and less time, and where it saves less than 5 %.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
WITH
  times AS MATERIALIZED (
    SELECT *, mean_ns AS mean, q1_ns AS q1, median_ns AS median, q3_ns AS q3
    FROM latest_times
    WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
  ),
  fastest AS MATERIALIZED (
    SELECT type, device, metric, op, first_value(implementation ORDER BY slower, implementation) AS implementation
    FROM (
      SELECT type, device, metric, op, implementation, exp(avg(ln(slower))) AS slower
      FROM times
      GROUP BY type, device, metric, op, implementation
    )
    GROUP BY type, device, metric, op
  ),
  pairs AS (
    SELECT
      f.type, f.device, f.metric, f.commit, f.op, f.implementation AS fastest, o.implementation,
      count(*) AS cases,
      exp(avg(ln(o.median / f.median))) AS slower,
      exp(avg(ln(o.peak_memory / f.peak_memory))) AS memory
    FROM fastest b
    JOIN times f
      ON f.type = b.type AND f.device = b.device AND f.metric = b.metric AND f.implementation = b.implementation
      AND (f.op IS NOT DISTINCT FROM b.op)
    JOIN times o
      ON o.type = f.type AND o.device = f.device AND o.metric = f.metric AND o.config = f.config
      AND (o.op IS NOT DISTINCT FROM f.op) AND o.implementation <> f.implementation
    WHERE f.peak_memory > 0 AND o.peak_memory > 0
    GROUP BY f.type, f.device, f.metric, f.commit, f.op, f.implementation, o.implementation
  ),
  front AS (
    SELECT
      *,
      min(memory) OVER (
        PARTITION BY type, device, metric, op ORDER BY slower, memory
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS least_before
    FROM pairs
  )
SELECT
  type || ' · ' || device || ' · ' || metric AS section,
  type, device, metric, commit, op, fastest, implementation, cases, slower, memory, 1 - memory AS saved
FROM front
WHERE memory < 0.95 AND (least_before IS NULL OR memory < least_before)
ORDER BY type, device, metric, op, slower, implementation;
