-- Which types were measured on which device, and in which times.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
WITH
  recorded AS (
    SELECT
      type, device, device_kind,
      count(DISTINCT run_id) AS runs,
      count(DISTINCT commit) AS commits,
      max(recorded_at) AS last_run
    FROM runs
    WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
    GROUP BY type, device, device_kind
  ),
  measured AS (
    SELECT
      type, device, device_kind,
      string_agg(DISTINCT metric, ', ' ORDER BY metric)
        FILTER (WHERE unit IN ('ns', 'us', 'ms', 's') AND basis <> 'modelled') AS times,
      count(DISTINCT implementation) AS implementations,
      count(DISTINCT config) AS cases
    FROM series
    GROUP BY type, device, device_kind
  )
SELECT
  r.type, r.device, r.device_kind, m.times, r.runs, r.commits, m.implementations, m.cases, r.last_run
FROM recorded r
JOIN measured m ON m.type = r.type AND m.device = r.device AND m.device_kind = r.device_kind
ORDER BY r.type, r.device, r.device_kind;
