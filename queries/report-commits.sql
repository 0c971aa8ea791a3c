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
      commit,
      min(recorded_at) AS first_run,
      max(recorded_at) AS last_run,
      count(DISTINCT run_id) AS runs,
      bool_or(dirty) AS dirty
    FROM runs
    WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
    GROUP BY commit
  ),
  numbered AS (
    SELECT
      m.*, c.subject, c.author, c.committed_at,
      row_number() OVER (ORDER BY c.ordinal) AS ordinal,
      count(*) OVER () AS commits
    FROM measured m
    JOIN commits c ON c.commit = m.commit
  ),
  shown AS MATERIALIZED (SELECT * FROM numbered WHERE $limit = 0 OR ordinal > commits - $limit),
  chosen AS MATERIALIZED (
    SELECT commit, type, device, implementation, config, run_id, recorded_at, status
    FROM measurements
    WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
      -- So that the other commits' files are not read; which of them have a device only their rows say.
      AND ($limit = 0 OR $device IS NOT NULL OR commits_behind(commit, $type) < $limit)
  ),
  -- A case counts as the newest run at the commit has it.
  newest AS (
    SELECT commit, type, device, implementation, config, last_value(run_id ORDER BY recorded_at, run_id) AS run_id
    FROM chosen
    GROUP BY commit, type, device, implementation, config
  ),
  outcomes AS (
    SELECT commit, count(*) AS cases, count(DISTINCT implementation) AS implementations, count(*) FILTER (WHERE NOT good) AS failed
    FROM (
      SELECT m.commit, m.type, m.device, m.implementation, m.config, bool_and(m.status IN ('ok', 'skipped')) AS good
      FROM chosen m
      JOIN newest n
        ON n.commit = m.commit AND n.type = m.type AND n.device = m.device
        AND n.implementation = m.implementation AND n.config = m.config AND n.run_id = m.run_id
      WHERE m.commit IN (SELECT commit FROM shown)
      GROUP BY m.commit, m.type, m.device, m.implementation, m.config
    )
    GROUP BY commit
  )
SELECT
  s.ordinal, s.commits, s.commit, s.subject, s.author, s.committed_at,
  s.runs, o.implementations, o.cases, o.failed, s.dirty, s.first_run, s.last_run
FROM shown s
JOIN outcomes o ON o.commit = s.commit
ORDER BY s.ordinal;
