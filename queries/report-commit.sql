-- Everything that was measured at one commit, with what the commit before it in each series had.
--
-- One row a metric of a case, as the newest run at the commit has it; times are in ns. `previous` is the commit before in git
-- order that measured the same metric of the same case right, `before` its median; both are null where there is none.
--
-- param commit: text = null; the commit, by any name that git takes; the latest of the history where it is null
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
WITH
  chosen AS (
    SELECT *, CASE unit WHEN 'ns' THEN 1.0 WHEN 'us' THEN 1e3 WHEN 'ms' THEN 1e6 WHEN 's' THEN 1e9 END AS ns
    FROM measurements
    WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
  ),
  target AS (
    SELECT commit, ordinal FROM commits
    WHERE CASE
      WHEN $commit IS NULL THEN ordinal = (
        SELECT max(o.ordinal) FROM commits o JOIN chosen c ON c.commit = o.commit
      )
      ELSE commit = revision($commit)
    END
  ),
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
  points AS (
    SELECT
      m.type, m.device, m.implementation, m.config, m.batch_size, m.seq_len, m.metric, m.basis, m.status, m.message,
      CASE WHEN m.ns IS NULL THEN m.unit ELSE 'ns' END AS unit, m.commit, m.run_id, o.ordinal, n.good, m.sample_count,
      m.q1 * coalesce(m.ns, 1) AS q1, m.median * coalesce(m.ns, 1) AS median, m.q3 * coalesce(m.ns, 1) AS q3
    FROM chosen m
    JOIN newest n
      ON n.type = m.type AND n.device = m.device AND n.commit = m.commit
      AND n.implementation = m.implementation AND n.config = m.config AND n.run_id = m.run_id
    JOIN commits o ON o.commit = m.commit
    WHERE o.ordinal <= (SELECT max(ordinal) FROM target)
  ),
  stepped AS (
    SELECT
      *,
      last_value(CASE WHEN good THEN median END) IGNORE NULLS OVER before AS before,
      last_value(CASE WHEN good THEN commit END) IGNORE NULLS OVER before AS previous
    FROM points
    WINDOW before AS (
      PARTITION BY type, device, metric, implementation, config ORDER BY ordinal
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
  )
SELECT
  s.type || ' · ' || s.device AS section,
  s.type, s.device, s.commit, s.implementation, s.config, s.batch_size, s.seq_len, s.metric, s.unit, s.basis, s.status,
  s.message, s.sample_count, s.q1, s.median, s.q3,
  CASE WHEN s.sample_count >= 3 AND s.median > 0 THEN (s.q3 - s.q1) / s.median END AS spread,
  s.previous, s.before, CASE WHEN s.before > 0 THEN s.median / s.before END AS ratio
FROM stepped s
JOIN target t ON t.commit = s.commit
ORDER BY s.type, s.device, s.batch_size, s.seq_len, s.config, s.implementation, s.metric;
