-- What failed or was left out at the latest commit of every type and device, and why; wrong results first.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
WITH
  failures AS (
    SELECT
      type, device, commit, implementation, config, status,
      last_value(message ORDER BY message NULLS FIRST) AS message,
      max(median) FILTER (WHERE metric = 'relative_error') AS relative_error
    FROM latest_measurements
    WHERE status <> 'ok' AND ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
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
