-- How fast every implementation was at every commit that measured it, in git order.
--
-- `median` is the mean over the commit's cases of their medians. `ratio` compares with the commit before that measured the
-- same cases (geometric mean over those cases, 1 is unchanged, less is faster; null where there is none), `since_first` is the product
-- of all ratios up to this commit and `trend` the list of those products over all commits.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
-- param commits: integer = 5; the latest so many commits of every type and device, all where it is 0
WITH
  chosen AS (
    SELECT *, CASE unit WHEN 'ns' THEN 1.0 WHEN 'us' THEN 1e3 WHEN 'ms' THEN 1e6 WHEN 's' THEN 1e9 END AS ns
    FROM measurements
    WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
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
  times AS (
    SELECT m.type, m.device, m.metric, m.implementation, m.config, m.commit, o.ordinal, m.median * m.ns AS median
    FROM chosen m
    JOIN newest n
      ON n.type = m.type AND n.device = m.device AND n.commit = m.commit
      AND n.implementation = m.implementation AND n.config = m.config AND n.run_id = m.run_id
    JOIN commits o ON o.commit = m.commit
    WHERE m.ns IS NOT NULL AND m.basis <> 'modelled' AND n.good AND m.median > 0
  ),
  stepped AS (
    SELECT
      *, median / lag(median) OVER (PARTITION BY type, device, metric, implementation, config ORDER BY ordinal) AS step
    FROM times
  ),
  points AS (
    SELECT
      type, device, metric, implementation, commit, ordinal,
      count(*) AS cases,
      count(step) AS compared,
      avg(median) AS median,
      exp(avg(ln(step))) AS ratio
    FROM stepped
    GROUP BY type, device, metric, implementation, commit, ordinal
  ),
  chained AS (
    SELECT
      *,
      exp(sum(coalesce(ln(ratio), 0)) OVER (
        PARTITION BY type, device, metric, implementation ORDER BY ordinal
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      )) AS since_first,
      dense_rank() OVER (PARTITION BY type, device, metric ORDER BY ordinal DESC) AS age
    FROM points
  ),
  trends AS (
    SELECT
      type, device, metric, implementation,
      count(*) AS commits,
      last_value(ratio ORDER BY ordinal) AS to_previous,
      last_value(since_first ORDER BY ordinal) AS since_first,
      array_agg(since_first ORDER BY ordinal) AS trend
    FROM chained
    GROUP BY type, device, metric, implementation
  )
SELECT
  c.type || ' · ' || c.device || ' · ' || c.metric AS section,
  c.type, c.device, c.metric, c.implementation, c.commit, c.ordinal,
  short(c.commit) AS label,
  c.cases, c.compared, c.median, c.ratio,
  t.commits, t.to_previous, t.since_first, t.trend
FROM chained c
JOIN trends t
  ON t.type = c.type AND t.device = c.device AND t.metric = c.metric AND t.implementation = c.implementation
WHERE $commits = 0 OR c.age <= $commits
ORDER BY c.type, c.device, c.metric, c.ordinal, c.implementation;
