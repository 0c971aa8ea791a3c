-- How the time of every implementation moved from commit to commit, and where its level changed.
--
-- `level` is the product of the ratios from the first commit on: each is the geometric mean over the cases of the time against the commit
-- before that did the case. `low` and `high` are the level with the middle half of the samples around it (geometric means over
-- the cases with three samples or more, null where there are none). `changed` is true where `change_points` finds a change of the levels.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
WITH
  placed AS (
    SELECT
      t.type, t.device, t.device_kind, t.metric, t.implementation, t.config, t.commit, o.ordinal, t.status,
      t.median_ns AS median,
      CASE WHEN t.sample_count >= 3 THEN t.q1_ns END AS q1, CASE WHEN t.sample_count >= 3 THEN t.q3_ns END AS q3,
      row_number() OVER (
        PARTITION BY t.type, t.device, t.implementation, t.config, t.commit
        ORDER BY t.recorded_at DESC, t.run_id DESC, t.status = 'ok', t.status <> 'skipped'
      ) AS place
    FROM timings t
    JOIN commits o ON o.commit = t.commit
    WHERE ($type IS NULL OR t.type = $type) AND ($device IS NULL OR t.device = $device)
  ),
  stepped AS (
    SELECT
      *,
      median / lag(median) OVER (PARTITION BY type, device, metric, implementation, config ORDER BY ordinal) AS step
    FROM placed
    WHERE place = 1 AND status = 'ok' AND median > 0
  ),
  points AS (
    SELECT
      type, device, device_kind, metric, implementation, commit, ordinal,
      count(*) AS cases,
      exp(avg(ln(step))) AS ratio,
      exp(avg(ln(CASE WHEN q1 > 0 THEN q1 / median END))) AS lower,
      exp(avg(ln(CASE WHEN q3 > 0 THEN q3 / median END))) AS upper
    FROM stepped
    GROUP BY type, device, device_kind, metric, implementation, commit, ordinal
  ),
  chained AS (
    SELECT
      *,
      exp(sum(coalesce(ln(ratio), 0)) OVER (
        PARTITION BY type, device, metric, implementation ORDER BY ordinal
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      )) AS level
    FROM points
  ),
  changes AS (
    SELECT type, device, metric, implementation, ordinals[change['position']] AS ordinal, change['ratio'] AS change
    FROM (
      SELECT
        type, device, metric, implementation, array_agg(ordinal ORDER BY ordinal) AS ordinals,
        unnest(change_points(
          array_agg(level ORDER BY ordinal), 0.001, CASE WHEN max(device_kind) = 'cuda' THEN 0.02 ELSE 0.05 END
        )) AS change
      FROM chained
      GROUP BY type, device, metric, implementation
    )
  )
SELECT
  c.type || ' · ' || c.device || ' · ' || c.metric AS section,
  c.type, c.device, c.metric, c.implementation, c.commit, short(c.commit) AS label, c.ordinal, c.cases, c.level,
  c.level * c.lower AS low, c.level * c.upper AS high, x.ordinal IS NOT NULL AS changed, x.change
FROM chained c
LEFT JOIN changes x
  ON x.type = c.type AND x.device = c.device AND x.metric = c.metric AND x.implementation = c.implementation
  AND x.ordinal = c.ordinal
ORDER BY c.type, c.device, c.metric, c.implementation, c.ordinal;
