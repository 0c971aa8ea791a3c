-- Which results are older than the history?
--
-- One row an implementation of a benchmark type on a device that was not measured at the latest commit of the history: the last
-- commit that has it, and how many commits are newer (`behind`).
--
-- param type: text = null; benchmark type, every type where it is null
-- param device: text = null; device by name, every device where it is null
WITH
  last AS (
    SELECT
      t.type, t.device, t.implementation,
      last_value(t.commit ORDER BY o.ordinal) AS commit,
      min(o.behind) AS behind,
      max(t.recorded_at) AS recorded_at
    FROM timings t JOIN commits o ON o.commit = t.commit
    WHERE t.status <> 'skipped' AND ($type IS NULL OR t.type = $type) AND ($device IS NULL OR t.device = $device)
    GROUP BY t.type, t.device, t.implementation
  )
SELECT type, device, implementation, short(commit) AS commit, behind, recorded_at
FROM last
WHERE behind > 0
ORDER BY behind, type, device, implementation
