-- What failed at the latest commit, and why?
--
-- One row a case that is neither `ok` nor `skipped`, as last measured at the commit.
--
-- param type: text = null; benchmark type, every type where it is null
-- param commit: text = null; a revision, the latest commit measured where it is null
-- param device: text = null; device by name, every device where it is null
WITH
  placed AS (
    SELECT
      *,
      row_number() OVER (
        PARTITION BY type, device, implementation, config ORDER BY recorded_at DESC, run_id DESC
      ) AS place
    FROM timings
    WHERE ($type IS NULL OR type = $type)
      AND ($device IS NULL OR device = $device)
      AND commit = coalesce(revision($commit), latest_commit(type, $device))
  )
SELECT type, short(commit) AS commit, device, implementation, config, status, message, dirty, recorded_at
FROM placed
WHERE place = 1 AND status NOT IN ('ok', 'skipped')
ORDER BY type, device, implementation, config
