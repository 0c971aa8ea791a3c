-- The state of every benchmark type on every device where it was last measured.
--
-- `fastest` is the implementation with the least geometric mean of its times over those of the fastest of each case, `lead` that
-- of the next over it. `trend` has a value a commit: the product of the geometric means, over all
-- cases, of the time against the commit before, from the first commit of the window on. `failed` counts cases, `behind` the newer commits.
--
-- param type: text = null; benchmark type, every type where it is null
-- param device: text = null; device by name, every device where it is null
-- param commits: integer = 40; the latest so many commits of the history, all where it is 0
WITH
  placed AS (
    SELECT
      t.type, t.device, t.implementation, t.config, t.commit, t.metric, t.status, t.recorded_at, o.ordinal,
      o.behind,
      CASE WHEN t.status = 'ok' AND t.median_ns > 0 THEN t.median_ns END AS median,
      row_number() OVER (
        PARTITION BY t.type, t.device, t.implementation, t.config, t.commit
        ORDER BY t.recorded_at DESC, t.run_id DESC, t.status = 'ok', t.status <> 'skipped'
      ) AS place
    FROM timings t
    JOIN commits o ON o.commit = t.commit
    WHERE ($commits = 0 OR commits_behind(t.commit) < $commits)
      AND ($type IS NULL OR t.type = $type) AND ($device IS NULL OR t.device = $device)
      AND t.status <> 'skipped'
  ),
  stepped AS MATERIALIZED (
    SELECT
      *,
      median / last_value(median) IGNORE NULLS OVER (
        PARTITION BY type, device, implementation, config ORDER BY ordinal ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS step,
      median / min(median) OVER (PARTITION BY type, device, metric, config, ordinal) AS slower,
      max(ordinal) OVER (PARTITION BY type, device) AS latest
    FROM placed
    WHERE place = 1
  ),
  points AS (
    SELECT
      type, device, commit, ordinal, latest, behind,
      max(metric) FILTER (WHERE status = 'ok') AS metric,
      max(recorded_at) AS recorded_at,
      count(DISTINCT implementation) AS implementations,
      count(DISTINCT config) AS cases,
      count(*) FILTER (WHERE status <> 'ok') AS failed,
      exp(avg(ln(step))) AS ratio
    FROM stepped
    GROUP BY type, device, commit, ordinal, latest, behind
  ),
  chained AS MATERIALIZED (
    SELECT
      *,
      exp(sum(coalesce(ln(ratio), 0)) OVER (
        PARTITION BY type, device ORDER BY ordinal ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      )) AS level
    FROM points
  ),
  trends AS (
    SELECT type, device, array_agg(level ORDER BY ordinal) AS trend FROM chained GROUP BY type, device
  ),
  means AS (
    SELECT type, device, implementation, exp(avg(ln(slower))) AS slower
    FROM stepped
    WHERE ordinal = latest AND median IS NOT NULL
    GROUP BY type, device, implementation
  ),
  fastest AS (
    SELECT
      type, device,
      first_value(implementation ORDER BY slower, implementation) AS fastest,
      nth_value(slower, 2 ORDER BY slower, implementation) / min(slower) AS lead
    FROM means
    GROUP BY type, device
  )
SELECT
  c.type, c.device, c.metric, short(c.commit) AS commit, c.behind, c.implementations, c.cases, c.failed,
  f.fastest, f.lead, c.ratio, t.trend, c.recorded_at
FROM chained c
JOIN trends t ON t.type = c.type AND t.device = c.device
LEFT JOIN fastest f ON f.type = c.type AND f.device = c.device
WHERE c.ordinal = c.latest
ORDER BY c.type, c.device
