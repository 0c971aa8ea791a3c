-- The latest commits in git's order, each with what was measured of it and how it moved.
--
-- `time` and `instructions` are geometric means of the ratios, over all cases, against the commit before in each series (below 1 is
-- better; null where no earlier commit has a case of it). Commits that the repository does not have come first.
--
-- param type: text = null; benchmark type, every type where it is null
-- param device: text = null; device by name, every device where it is null
-- param commits: integer = 10; the latest so many commits of the history, all where it is 0
WITH
  -- One commit more, so that the first one shown has something before it.
  placed AS (
    SELECT
      m.type, m.device, m.implementation, m.config, m.commit, m.run_id, m.metric, m.basis, m.status, o.ordinal,
      CASE WHEN m.status = 'ok' AND m.median > 0 THEN m.median END AS median,
      rank() OVER (
        PARTITION BY m.type, m.device, m.implementation, m.config, m.commit ORDER BY m.recorded_at DESC, m.run_id DESC
      ) AS place
    FROM measurements m
    JOIN commits o ON o.commit = m.commit
    WHERE ($commits = 0 OR commits_behind(m.commit) <= $commits)
      AND ($type IS NULL OR m.type = $type) AND ($device IS NULL OR m.device = $device)
      AND (m.status <> 'ok' OR m.metric = 'instructions' OR m.basis = 'measured' AND m.unit IN ('ns', 'us', 'ms', 's'))
  ),
  stepped AS (
    SELECT
      *,
      median / last_value(median) IGNORE NULLS OVER (
        PARTITION BY type, device, implementation, config, metric ORDER BY ordinal
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS step
    FROM placed
    WHERE place = 1
  ),
  summed AS (
    SELECT
      commit,
      count(DISTINCT run_id) AS runs,
      count(DISTINCT type) AS types,
      count(DISTINCT type || device || implementation || config) AS cases,
      count(DISTINCT CASE WHEN status NOT IN ('ok', 'skipped') THEN type || device || implementation || config END) AS failed,
      exp(avg(ln(step)) FILTER (WHERE metric <> 'instructions')) AS time,
      exp(avg(ln(step)) FILTER (WHERE metric = 'instructions')) AS instructions
    FROM stepped
    GROUP BY commit
  )
SELECT
  o.ordinal, o.ordinal + o.behind AS commits, short(o.commit) AS commit, o.subject, o.committed_at,
  s.runs, s.types, s.cases, s.failed, s.time, s.instructions
FROM commits o
JOIN summed s ON s.commit = o.commit
WHERE $commits = 0 OR o.behind < $commits
ORDER BY o.ordinal
