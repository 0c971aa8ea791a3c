-- One row a metric of a case as the newest run has it at the latest commit of its type and device.
WITH
  -- The last commit that measured a type on a device.
  latest AS (
    SELECT r.type, r.device, last_value(r.commit ORDER BY o.ordinal) AS commit, min(o.behind) AS behind
    FROM runs r JOIN commits o ON o.commit = r.commit
    GROUP BY r.type, r.device
  ),
  chosen AS (
    SELECT m.*, l.behind
    FROM measurements m
    JOIN latest l ON l.type = m.type AND l.device = m.device AND l.commit = m.commit
    -- By this the other commits' files are not read.
    WHERE is_latest(m.commit, m.type)
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
  )
SELECT m.*, n.good
FROM chosen m
JOIN newest n
  ON n.type = m.type AND n.device = m.device AND n.commit = m.commit
  AND n.implementation = m.implementation AND n.config = m.config AND n.run_id = m.run_id
