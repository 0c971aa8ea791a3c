-- Which implementation is fastest: the latest commit of every type and device.
--
-- Times are means over the cases that the implementation did right: of the cases' medians, and of their means.
-- `slower` is the geometric mean, over its cases, of the time against the fastest implementation of the same case, so
-- implementations that did different cases can be compared. `spread` is the mean of
-- (q3 − q1) / median over the cases with three samples or more. Counts and peak
-- memory are means over the cases, the error is the largest. `behind` says how many commits of the history are newer.
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
  totals AS (SELECT type, device, count(DISTINCT config) AS cases FROM cases GROUP BY type, device),
  summed AS (
    SELECT
      type, device, device_kind, commit, metric, implementation,
      count(*) AS good,
      avg(median) AS median,
      avg(mean) AS mean,
      exp(avg(ln(slower))) AS slower,
      avg(CASE WHEN sample_count >= 3 THEN (q3 - q1) / median END) AS spread,
      min(sample_count) AS samples,
      avg(instructions) AS instructions,
      avg(global_bytes) AS global_bytes,
      avg(global_sectors) AS global_sectors,
      avg(peak_memory) AS peak_memory,
      max(relative_error) AS relative_error
    FROM times
    GROUP BY type, device, device_kind, commit, metric, implementation
  )
SELECT
  s.type || ' · ' || s.device || ' · ' || s.metric AS section,
  s.type, s.device, s.device_kind, s.metric, s.commit,
  (SELECT max(ordinal) FROM ordered) - l.ordinal AS behind,
  rank() OVER (PARTITION BY s.type, s.device, s.metric ORDER BY s.slower, s.median) AS rank,
  s.implementation, s.good, t.cases, s.median, s.mean, s.slower, s.spread, s.samples,
  s.instructions, s.global_bytes, s.global_sectors, s.peak_memory, s.relative_error
FROM summed s
JOIN totals t ON t.type = s.type AND t.device = s.device
JOIN latest l ON l.type = s.type AND l.device = s.device
ORDER BY s.type, s.device, s.metric, rank, s.implementation;
