-- Which types were measured on which device, and in which times.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
SELECT
  type,
  device,
  device_kind,
  string_agg(DISTINCT metric, ', ' ORDER BY metric) FILTER (WHERE unit IN ('ns', 'us', 'ms', 's') AND basis <> 'modelled') AS times,
  count(DISTINCT run_id) AS runs,
  count(DISTINCT commit) AS commits,
  count(DISTINCT implementation) AS implementations,
  count(DISTINCT config) AS cases,
  max(recorded_at) AS last_run
FROM measurements
WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
GROUP BY type, device, device_kind
ORDER BY type, device, device_kind;
