-- How fast every implementation is where it was last measured, and how it came there.
--
-- One row an implementation of a benchmark type on a device. `time` is the mean over its cases of their medians at the last commit
-- that has it; `ratio` the geometric mean over those cases of the time against the commit before in the window that has them (null
-- where none has); `trend` the product of those ratios from the first commit of the window on, one value a commit. `failed` counts the cases
-- that failed there, `behind` the newer commits of the history.
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
  stepped AS (
    SELECT
      *,
      median / last_value(median) IGNORE NULLS OVER (
        PARTITION BY type, device, implementation, config ORDER BY ordinal ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS step
    FROM placed
    WHERE place = 1
  ),
  points AS (
    SELECT
      type, device, implementation, commit, ordinal, behind,
      max(metric) FILTER (WHERE status = 'ok') AS metric,
      max(recorded_at) AS recorded_at,
      count(*) FILTER (WHERE status = 'ok') AS cases,
      count(*) FILTER (WHERE status <> 'ok') AS failed,
      avg(median) AS time,
      exp(avg(ln(step))) AS ratio
    FROM stepped
    GROUP BY type, device, implementation, commit, ordinal, behind
  ),
  chained AS (
    SELECT
      *,
      exp(sum(coalesce(ln(ratio), 0)) OVER (
        PARTITION BY type, device, implementation ORDER BY ordinal ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      )) AS level
    FROM points
  )
SELECT
  type, device, implementation,
  last_value(metric ORDER BY ordinal) AS metric,
  short(last_value(commit ORDER BY ordinal)) AS commit,
  last_value(cases ORDER BY ordinal) AS cases,
  last_value(failed ORDER BY ordinal) AS failed,
  last_value(time ORDER BY ordinal) AS time,
  last_value(ratio ORDER BY ordinal) AS ratio,
  array_agg(CASE WHEN time IS NOT NULL THEN level END ORDER BY ordinal) AS trend,
  min(behind) AS behind,
  max(recorded_at) AS recorded_at
FROM chained
GROUP BY type, device, implementation
ORDER BY type, device, time NULLS LAST, implementation
