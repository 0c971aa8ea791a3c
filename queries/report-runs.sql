-- The newest run of the latest commit of every type and device: what to know to repeat it.
--
-- `known` says whether the repository has the commit.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
WITH
  chosen AS (
    SELECT * FROM measurements
    WHERE is_latest(commit, type) AND ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
  ),
  latest AS (
    SELECT m.type, m.device, last_value(m.run_id ORDER BY o.ordinal, m.recorded_at, m.run_id) AS run_id
    FROM chosen m JOIN commits o ON o.commit = m.commit
    GROUP BY m.type, m.device
  )
SELECT
  m.type, m.device, m.device_kind, m.run_id, m.commit, c.position IS NOT NULL AS known,
  min(m.recorded_at) AS recorded_at,
  bool_or(m.dirty) AS dirty,
  first_value(m.source) AS source,
  first_value(m.environment) AS environment
FROM chosen m
JOIN latest l ON l.type = m.type AND l.device = m.device AND l.run_id = m.run_id
LEFT JOIN commits c ON c.commit = m.commit
GROUP BY m.type, m.device, m.device_kind, m.run_id, m.commit, c.position
ORDER BY m.type, m.device;
