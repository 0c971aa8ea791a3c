-- What did the latest run of every case say?
--
-- The rows of the last run, by the time it began, of every benchmark type, device, implementation and case; a failure hides
-- what an earlier run measured.
--
-- param type: text = null; benchmark type, every type where it is null
-- param implementation: text = null; implementation, every one where it is null
-- param device: text = null; device by name, every device where it is null
-- param metric: text = null; metric, every one where it is null; what failed is there in any case
WITH
  placed AS (
    SELECT
      *,
      rank() OVER (
        PARTITION BY type, device, implementation, config ORDER BY recorded_at DESC, run_id DESC
      ) AS place
    FROM measurements
    WHERE ($type IS NULL OR type = $type)
      AND ($implementation IS NULL OR implementation = $implementation)
      AND ($device IS NULL OR device = $device)
  )
SELECT
  type, device, implementation, config, metric, unit, median, mean, std_dev, min, max, sample_count,
  status, message, short(commit) AS commit, dirty, recorded_at
FROM placed
WHERE place = 1 AND ($metric IS NULL OR metric = $metric OR status <> 'ok')
ORDER BY type, device, implementation, config, metric
