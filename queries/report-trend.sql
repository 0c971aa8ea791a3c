-- How the time of every implementation moved from commit to commit, and where its level changed.
--
-- `level` is the product of the ratios from the first commit on: each is the geometric mean over the cases of the time against the commit
-- before that did the case. `low` and `high` are the level with the middle half of the samples around it (geometric means over
-- the cases with three samples or more, null where there are none). `every` is that n. `changed` is true where `change_points` finds a change of the levels.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
-- param changed: boolean = false; only the commits where the level changed
-- param points: integer = 500; of a longer series every n-th commit up to the last, and those where the level changed; all where it is 0
WITH
  chosen AS MATERIALIZED (
    SELECT
      *,
      row_number() OVER (PARTITION BY type, device, metric, implementation ORDER BY ordinal DESC) AS age,
      CASE
        WHEN $points = 0 THEN 1
        ELSE ceil(count(*) OVER (PARTITION BY type, device, metric, implementation) / CAST($points AS DOUBLE))
      END AS every
    FROM steps
    WHERE is_primary AND ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
  ),
  changes AS (
    SELECT type, device, metric, implementation, ordinals[change['position']] AS ordinal, change['ratio'] AS change
    FROM (
      SELECT
        type, device, metric, implementation, array_agg(ordinal ORDER BY ordinal) AS ordinals,
        unnest(change_points(
          array_agg(since_first ORDER BY ordinal), 0.001, CASE WHEN max(device_kind) = 'cuda' THEN 0.02 ELSE 0.05 END
        )) AS change
      FROM chosen
      GROUP BY type, device, metric, implementation
    )
  )
SELECT
  c.type || ' · ' || c.device || ' · ' || c.metric AS section,
  c.type, c.device, c.metric, c.implementation, c.commit, short(c.commit) AS label, c.ordinal, c.cases_done AS cases, c.since_first AS level,
  c.since_first * c.q1_to_median AS low, c.since_first * c.q3_to_median AS high, x.ordinal IS NOT NULL AS changed, x.change,
  CAST(c.every AS BIGINT) AS every
FROM chosen c
LEFT JOIN changes x
  ON x.type = c.type AND x.device = c.device AND x.metric = c.metric AND x.implementation = c.implementation
  AND x.ordinal = c.ordinal
WHERE NOT $changed AND (c.age - 1) % CAST(c.every AS BIGINT) = 0 OR x.ordinal IS NOT NULL
ORDER BY c.type, c.device, c.metric, c.implementation, c.ordinal;
