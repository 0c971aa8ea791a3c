-- What takes less memory than the fastest implementation, and how much longer it takes, at the latest commits.
--
-- Compared on the cases that both did right, by geometric means. An implementation is left out where another one takes less
-- memory and less time, and where it saves less than 5 %.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
WITH
  chosen AS (
    SELECT *, CASE unit WHEN 'ns' THEN 1.0 WHEN 'us' THEN 1e3 WHEN 'ms' THEN 1e6 WHEN 's' THEN 1e9 END AS ns
    FROM measurements
    WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
  ),
  -- Commits in git order; those that the repository does not have come first, by the time of their first run.
  ordered AS (
    SELECT commit, row_number() OVER (ORDER BY position NULLS FIRST, first_recorded_at, commit) AS ordinal FROM commits
  ),
  -- A case counts as the newest run at a commit has it, and is good where none of its rows failed.
  tried AS (
    SELECT
      type, device, commit, implementation, config, run_id,
      max(recorded_at) AS recorded_at, bool_and(status = 'ok') AS good
    FROM chosen
    GROUP BY type, device, commit, implementation, config, run_id
  ),
  newest AS (
    SELECT
      type, device, commit, implementation, config,
      last_value(run_id ORDER BY recorded_at, run_id) AS run_id,
      last_value(good ORDER BY recorded_at, run_id) AS good
    FROM tried
    GROUP BY type, device, commit, implementation, config
  ),
  -- The last commit that measured a type on a device.
  latest AS (
    SELECT n.type, n.device, last_value(n.commit ORDER BY o.ordinal) AS commit, max(o.ordinal) AS ordinal
    FROM newest n JOIN ordered o ON o.commit = n.commit
    GROUP BY n.type, n.device
  ),
  current AS (
    SELECT m.*, n.good
    FROM chosen m
    JOIN latest l ON l.type = m.type AND l.device = m.device AND l.commit = m.commit
    JOIN newest n
      ON n.type = m.type AND n.device = m.device AND n.commit = m.commit
      AND n.implementation = m.implementation AND n.config = m.config AND n.run_id = m.run_id
  ),
  -- One row a case and implementation.
  cases AS (
    SELECT
      type, device, implementation, config,
      bool_and(good) AS good,
      max(median) FILTER (WHERE metric = 'instructions') AS instructions,
      max(median) FILTER (WHERE metric = 'global_load_bytes')
        + max(median) FILTER (WHERE metric = 'global_store_bytes') AS global_bytes,
      max(median) FILTER (WHERE metric = 'global_load_sectors')
        + max(median) FILTER (WHERE metric = 'global_store_sectors') AS global_sectors,
      max(median) FILTER (WHERE metric = 'peak_memory') AS peak_memory,
      max(median) FILTER (WHERE metric = 'relative_error') AS relative_error
    FROM current
    GROUP BY type, device, implementation, config
  ),
  times AS (
    SELECT
      r.type, r.device, r.device_kind, r.commit, r.implementation, r.config, r.batch_size, r.seq_len, r.metric,
      r.sample_count, r.mean * r.ns AS mean, r.q1 * r.ns AS q1, r.median * r.ns AS median, r.q3 * r.ns AS q3,
      c.instructions, c.global_bytes, c.global_sectors, c.peak_memory, c.relative_error,
      r.median * r.ns / min(r.median * r.ns) OVER (PARTITION BY r.type, r.device, r.metric, r.config) AS slower
    FROM current r
    JOIN cases c
      ON c.type = r.type AND c.device = r.device AND c.implementation = r.implementation AND c.config = r.config
    WHERE r.ns IS NOT NULL AND r.basis <> 'modelled' AND c.good AND r.median > 0
  ),
  fastest AS (
    SELECT type, device, metric, first_value(implementation ORDER BY slower, implementation) AS implementation
    FROM (
      SELECT type, device, metric, implementation, exp(avg(ln(slower))) AS slower
      FROM times
      GROUP BY type, device, metric, implementation
    )
    GROUP BY type, device, metric
  ),
  pairs AS (
    SELECT
      f.type, f.device, f.metric, f.commit, f.implementation AS fastest, o.implementation,
      count(*) AS cases,
      exp(avg(ln(o.median / f.median))) AS slower,
      exp(avg(ln(o.peak_memory / f.peak_memory))) AS memory
    FROM fastest b
    JOIN times f
      ON f.type = b.type AND f.device = b.device AND f.metric = b.metric AND f.implementation = b.implementation
    JOIN times o
      ON o.type = f.type AND o.device = f.device AND o.metric = f.metric AND o.config = f.config
      AND o.implementation <> f.implementation
    WHERE f.peak_memory > 0 AND o.peak_memory > 0
    GROUP BY f.type, f.device, f.metric, f.commit, f.implementation, o.implementation
  ),
  front AS (
    SELECT
      *,
      min(memory) OVER (
        PARTITION BY type, device, metric ORDER BY slower, memory
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS least_before
    FROM pairs
  )
SELECT
  type || ' · ' || device || ' · ' || metric AS section,
  type, device, metric, commit, fastest, implementation, cases, slower, memory, 1 - memory AS saved
FROM front
WHERE memory < 0.95 AND (least_before IS NULL OR memory < least_before)
ORDER BY type, device, metric, slower, implementation;
