-- What failed or was left out at the latest commit of every type and device, and why; wrong results first.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
WITH
  -- The last commit that measured a type on a device.
  latest AS (
    SELECT r.type, r.device, last_value(r.commit ORDER BY o.ordinal) AS commit
    FROM runs r JOIN commits o ON o.commit = r.commit
    WHERE ($type IS NULL OR r.type = $type) AND ($device IS NULL OR r.device = $device)
    GROUP BY r.type, r.device
  ),
  chosen AS (
    SELECT m.*
    FROM measurements m
    JOIN latest l ON l.type = m.type AND l.device = m.device AND l.commit = m.commit
    -- By this the other commits' files are not read.
    WHERE is_latest(m.commit, m.type)
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
  current AS (
    SELECT m.*, n.good
    FROM chosen m
    JOIN newest n
      ON n.type = m.type AND n.device = m.device AND n.commit = m.commit
      AND n.implementation = m.implementation AND n.config = m.config AND n.run_id = m.run_id
  ),
  failures AS (
    SELECT
      type, device, commit, implementation, config, status,
      last_value(message ORDER BY message NULLS FIRST) AS message,
      max(median) FILTER (WHERE metric = 'relative_error') AS relative_error
    FROM current
    WHERE status <> 'ok'
    GROUP BY type, device, commit, implementation, config, status
  )
SELECT
  type, device, commit, implementation, status, message,
  count(*) AS cases,
  first_value(config ORDER BY config) AS config,
  max(relative_error) AS relative_error,
  CASE status
    WHEN 'wrong_result' THEN 1 WHEN 'trap' THEN 2 WHEN 'error' THEN 3 WHEN 'timeout' THEN 4 WHEN 'out_of_memory' THEN 5
    ELSE 6
  END AS severity
FROM failures
GROUP BY type, device, commit, implementation, status, message
ORDER BY severity, type, device, implementation, message;
