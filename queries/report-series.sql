-- One metric of one case, commit by commit in git's order.
--
-- As the newest run at a commit has it; runs with uncommitted kernels are left out. `changed` marks the commit `$since`.
--
-- param type: text; the benchmark type
-- param device: text; the device by name
-- param implementation: text; the implementation
-- param config: text; all parameters of the case
-- param metric: text; the metric
-- param since: text = null; a commit to mark, short
-- param commits: integer = 200; the latest so many commits of the history, all where it is 0
WITH
  placed AS (
    SELECT
      m.implementation, m.commit, m.unit, m.median, m.q1, m.q3, m.sample_count, o.ordinal,
      row_number() OVER (PARTITION BY m.commit ORDER BY m.recorded_at DESC, m.run_id DESC) AS place
    FROM measurements m
    JOIN commits o ON o.commit = m.commit
    WHERE m.type = $type AND m.device = $device AND m.implementation = $implementation AND m.config = $config
      AND m.metric = $metric AND m.status = 'ok' AND NOT coalesce(m.dirty, false)
      AND ($commits = 0 OR commits_behind(m.commit) < $commits)
  )
SELECT
  implementation, short(commit) AS label, ordinal, unit, median,
  CASE WHEN sample_count >= 3 THEN q1 END AS low, CASE WHEN sample_count >= 3 THEN q3 END AS high,
  short(commit) = $since AS changed
FROM placed
WHERE place = 1
ORDER BY ordinal;
