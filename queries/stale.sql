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
      m.type, m.device, m.implementation,
      last_value(m.commit ORDER BY o.ordinal) AS commit,
      min(o.behind) AS behind,
      max(m.recorded_at) AS recorded_at
    FROM measurements m JOIN commits o ON o.commit = m.commit
    WHERE m.status <> 'skipped' AND ($type IS NULL OR m.type = $type) AND ($device IS NULL OR m.device = $device)
    GROUP BY m.type, m.device, m.implementation
  )
SELECT type, device, implementation, short(commit) AS commit, behind, recorded_at
FROM last
WHERE behind > 0
ORDER BY behind, type, device, implementation
