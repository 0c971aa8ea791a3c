-- The commits of the history in git order, the latest last, with what was measured of each.
--
-- Commits that the repository does not have come first, by the time of their first run.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
-- param limit: integer = 20; the latest so many commits, all where it is 0
WITH
  measured AS (
    SELECT
      m.commit,
      min(m.recorded_at) AS first_run,
      max(m.recorded_at) AS last_run,
      count(DISTINCT m.run_id) AS runs,
      count(DISTINCT m.implementation) AS implementations,
      bool_or(m.dirty) AS dirty
    FROM measurements m
    WHERE ($type IS NULL OR m.type = $type) AND ($device IS NULL OR m.device = $device)
    GROUP BY m.commit
  ),
  -- A case counts as the newest run at the commit has it.
  newest AS (
    SELECT commit, type, device, implementation, config, last_value(run_id ORDER BY recorded_at, run_id) AS run_id
    FROM measurements
    WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
    GROUP BY commit, type, device, implementation, config
  ),
  outcomes AS (
    SELECT commit, count(*) AS cases, count(*) FILTER (WHERE NOT good) AS failed
    FROM (
      SELECT m.commit, m.type, m.device, m.implementation, m.config, bool_and(m.status IN ('ok', 'skipped')) AS good
      FROM measurements m
      JOIN newest n
        ON n.commit = m.commit AND n.type = m.type AND n.device = m.device
        AND n.implementation = m.implementation AND n.config = m.config AND n.run_id = m.run_id
      GROUP BY m.commit, m.type, m.device, m.implementation, m.config
    )
    GROUP BY commit
  ),
  numbered AS (
    SELECT
      m.*, c.subject, c.author, c.committed_at, o.cases, o.failed,
      row_number() OVER (ORDER BY c.position NULLS FIRST, m.first_run, m.commit) AS ordinal,
      count(*) OVER () AS commits
    FROM measured m
    JOIN outcomes o ON o.commit = m.commit
    LEFT JOIN commits c ON c.commit = m.commit
  )
SELECT ordinal, commits, commit, subject, author, committed_at, runs, implementations, cases, failed, dirty, first_run, last_run
FROM numbered
WHERE $limit = 0 OR ordinal > commits - $limit
ORDER BY ordinal;
