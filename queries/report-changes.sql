-- What changed at the latest commit of every type and device against the commit before that measured the same case.
--
-- The largest changes first. Of times, `ratio` is the geometric mean over the cases, and `slower` and `faster` say at how many
-- of them the middle halves of the samples lie apart. Of counts and bytes it is the ratio of the means (null where it
-- was 0), and `changed` says at how many cases they differ at all.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
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
  -- The last commit that measured a type on a device.
  latest AS (
    SELECT n.type, n.device, max(o.ordinal) AS ordinal
    FROM newest n JOIN commits o ON o.commit = n.commit
    GROUP BY n.type, n.device
  ),
  points AS (
    SELECT
      m.type, m.device, m.metric, CASE WHEN m.ns IS NULL THEN m.unit ELSE 'ns' END AS unit, m.basis,
      m.implementation, m.config, m.commit, o.ordinal,
      m.q1 * coalesce(m.ns, 1) AS q1, m.median * coalesce(m.ns, 1) AS median, m.q3 * coalesce(m.ns, 1) AS q3
    FROM chosen m
    JOIN newest n
      ON n.type = m.type AND n.device = m.device AND n.commit = m.commit
      AND n.implementation = m.implementation AND n.config = m.config AND n.run_id = m.run_id
    JOIN commits o ON o.commit = m.commit
    WHERE n.good AND m.basis <> 'modelled'
      AND (m.ns IS NOT NULL AND m.median > 0 OR m.metric IN (
        'instructions', 'global_load_sectors', 'global_store_sectors', 'shared_bank_conflicts', 'divergent_branches',
        'peak_memory'
      ))
  ),
  stepped AS (
    SELECT
      *,
      lag(commit) OVER series AS previous,
      lag(q1) OVER series AS previous_q1,
      lag(median) OVER series AS previous_median,
      lag(q3) OVER series AS previous_q3
    FROM points
    WINDOW series AS (PARTITION BY type, device, metric, implementation, config ORDER BY ordinal)
  )
SELECT
  s.type, s.device, s.metric, s.unit, s.basis, s.implementation, s.commit, s.previous,
  count(*) AS cases,
  count(*) FILTER (WHERE s.median <> s.previous_median) AS changed,
  count(*) FILTER (WHERE s.q1 > s.previous_q3) AS slower,
  count(*) FILTER (WHERE s.q3 < s.previous_q1) AS faster,
  CASE s.unit
    WHEN 'ns' THEN exp(avg(ln(s.median / s.previous_median)))
    ELSE avg(s.median) / nullif(avg(s.previous_median), 0)
  END AS ratio,
  avg(s.previous_median) AS before,
  avg(s.median) AS after
FROM stepped s
JOIN latest l ON l.type = s.type AND l.device = s.device AND l.ordinal = s.ordinal
WHERE s.previous IS NOT NULL
GROUP BY s.type, s.device, s.metric, s.unit, s.basis, s.implementation, s.commit, s.previous
ORDER BY s.type, s.device, coalesce(abs(ln(ratio)), 1e9) DESC, s.implementation, s.metric, s.previous;
