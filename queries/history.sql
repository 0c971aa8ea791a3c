-- How did a time move from commit to commit?
--
-- One row a commit of every series (benchmark type, device, implementation, case) in git's order, as the last run at that
-- commit has it. `ratio` is against the commit before in the series: 1.1 is 10 % slower. A failed case has a row and no value;
-- the next ratio is against the last value there is. Commits that the repository does not have come first.
--
-- param implementation: text = null; implementation, every one where it is null
-- param type: text = null; benchmark type, every type where it is null
-- param device: text = null; device by name, every device where it is null
-- param metric: text = null; metric, the primary time where it is null
-- param config: text = null; part of a case's parameters, 'seq_len=2048' for instance
-- param commits: integer = 20; the latest so many commits of the history, all where it is 0
WITH
  outcomes AS (
    SELECT
      type, device, implementation, config, commit, run_id, recorded_at, dirty, status, metric, 'ns' AS unit,
      median_ns AS value, sample_count
    FROM timings
    -- One commit more than is shown, so that the first one has something before it.
    WHERE $metric IS NULL AND ($commits = 0 OR commits_behind(commit) <= $commits)
    UNION ALL
    SELECT
      type, device, implementation, config, commit, run_id, recorded_at, dirty, status, $metric AS metric, unit,
      CASE WHEN metric = $metric THEN median END AS value, sample_count
    FROM measurements
    WHERE (metric = $metric OR ($metric IS NOT NULL AND status <> 'ok'))
      AND ($commits = 0 OR commits_behind(commit) <= $commits)
  ),
  placed AS (
    SELECT
      *,
      row_number() OVER (
        PARTITION BY type, device, implementation, config, commit
        ORDER BY recorded_at DESC, run_id DESC, status = 'ok', status <> 'skipped'
      ) AS place
    FROM outcomes
    WHERE ($implementation IS NULL OR implementation = $implementation)
      AND ($type IS NULL OR type = $type)
      AND ($device IS NULL OR device = $device)
      AND ($config IS NULL OR strpos(config, $config) > 0)
  ),
  series AS (
    SELECT
      p.*, c.position, c.subject,
      CASE WHEN p.status = 'ok' THEN p.value END AS good,
      last_value(CASE WHEN p.status = 'ok' THEN p.value END) IGNORE NULLS OVER (
        PARTITION BY p.type, p.device, p.implementation, p.config
        ORDER BY c.position NULLS FIRST, p.recorded_at, p.commit
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS before
    FROM placed p LEFT JOIN commits c ON c.commit = p.commit
    WHERE p.place = 1
  )
SELECT
  type, device, implementation, config, position, short(commit) AS commit, subject,
  CASE WHEN status = 'ok' THEN metric END AS metric, CASE WHEN status = 'ok' THEN unit END AS unit,
  good AS median, round(good / before, 3) AS ratio, sample_count, status, dirty
FROM series
WHERE $commits = 0 OR commits_behind(commit) < $commits
ORDER BY type, device, implementation, config, position NULLS FIRST, recorded_at, commit
