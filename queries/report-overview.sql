-- What the history holds, in one row.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
WITH
  recorded AS (
    SELECT
      count(DISTINCT run_id) AS runs, count(DISTINCT commit) AS commits, min(recorded_at) AS first_run, max(recorded_at) AS last_run
    FROM runs
    WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
  ),
  measured AS (
    SELECT
      count(DISTINCT type) AS types,
      count(DISTINCT device) AS devices,
      count(DISTINCT implementation) AS implementations,
      count(DISTINCT config) AS cases,
      coalesce(CAST(sum(measurements) AS BIGINT), 0) AS measurements,
      coalesce(bool_or(metric = 'emulation_time'), false) AS emulated,
      coalesce(bool_or(metric = 'gpu_time'), false) AS timed_on_gpu,
      coalesce(bool_or(basis = 'counted'), false) AS counted,
      coalesce(bool_or(basis = 'extrapolated'), false) AS extrapolated
    FROM series
    WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
  )
SELECT
  runs, commits, types, devices, implementations, cases, measurements, first_run, last_run,
  emulated, timed_on_gpu, counted, extrapolated
FROM recorded CROSS JOIN measured;
