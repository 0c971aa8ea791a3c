-- What became worse, and still is?
--
-- One row a metric of a case that was better at an earlier commit than it is where it was last measured. Counts and peak memory
-- are exact: `before` is the best earlier value and `since` the first commit without it. Times are medians whose level
-- changed (`change_points`): `before` is the best earlier level, `after` the present one, `since` the commit where it began. `state`
-- is `open`, `unconfirmed` where only the last commit has the level, or `accepted` where somebody said why it is right. `behind` says
-- how many commits of the history are newer than the last one measured. Runs with uncommitted kernels are left out. `cases` and
-- `mean_ratio` (geometric) are over the cases of an implementation whose metric became worse at the same commit; the one that did
-- most has `place` 1.
--
-- param type: text = null; benchmark type, every type where it is null
-- param device: text = null; device by name, every device where it is null
-- param implementation: text = null; implementation, every one where it is null
-- param metric: text = null; metric; times, memory and the counts that tell most where it is null
-- param commits: integer = 200; looks at the latest so many commits of the history, all where it is 0
WITH
  -- A case counts as the newest run at a commit has it.
  placed AS (
    SELECT
      m.type, m.device, m.device_kind, m.implementation, m.config, m.metric, m.unit, m.basis, m.commit, m.median,
      o.ordinal, o.behind,
      row_number() OVER (
        PARTITION BY m.type, m.device, m.device_kind, m.implementation, m.config, m.metric, m.commit
        ORDER BY m.recorded_at DESC, m.run_id DESC
      ) AS place
    FROM measurements m
    JOIN commits o ON o.commit = m.commit
    WHERE m.status = 'ok' AND m.median IS NOT NULL AND NOT coalesce(m.dirty, false)
      AND ($commits = 0 OR commits_behind(m.commit) < $commits)
      AND ($type IS NULL OR m.type = $type)
      AND ($device IS NULL OR m.device = $device)
      AND ($implementation IS NULL OR m.implementation = $implementation)
      AND (
        m.metric = $metric AND direction(m.metric, m.unit) = 'lower'
        OR $metric IS NULL AND (
          m.basis = 'measured' AND m.unit IN ('ns', 'us', 'ms', 's')
          OR m.metric IN (
            'instructions', 'global_load_sectors', 'global_store_sectors', 'shared_bank_conflicts', 'divergent_branches',
            'peak_memory'
          )
        )
      )
  ),
  series AS MATERIALIZED (
    SELECT
      type, device, device_kind, implementation, config, metric, unit,
      max(basis) = 'counted' OR metric = 'peak_memory' AS exact,
      array_agg(median ORDER BY ordinal) AS medians,
      array_agg(commit ORDER BY ordinal) AS commits,
      min(behind) AS behind
    FROM placed
    WHERE place = 1
    GROUP BY type, device, device_kind, implementation, config, metric, unit
    HAVING count(*) > 1
  ),
  counted AS (
    SELECT
      *, array_min(medians) AS before, medians[-1] AS after,
      array_positions(medians, array_min(medians))[-1] + 1 AS start
    FROM series
    WHERE exact
  ),
  changes AS (
    SELECT
      type, device, device_kind, implementation, config, metric, unit, commits, behind,
      unnest(change_points(medians, 0.001, CASE WHEN device_kind = 'cuda' THEN 0.02 ELSE 0.05 END)) AS change
    FROM series
    WHERE NOT exact
  ),
  levels AS (
    SELECT
      type, device, device_kind, implementation, config, metric, unit, commits, behind,
      min(change['before']) AS before,
      last_value(change['after'] ORDER BY change['position']) AS after,
      last_value(change['position'] ORDER BY change['before'] DESC, change['position']) AS start,
      last_value(change['kind'] ORDER BY change['position']) AS kind
    FROM changes
    GROUP BY type, device, device_kind, implementation, config, metric, unit, commits, behind
  ),
  found AS MATERIALIZED (
    SELECT
      type, device, device_kind, implementation, config, metric, unit, true AS exact,
      before, after, CAST(start AS BIGINT) AS start, commits, behind, 'open' AS state
    FROM counted
    WHERE after > before
    UNION ALL
    SELECT
      type, device, device_kind, implementation, config, metric, unit, false AS exact,
      before, after, start, commits, behind, CASE kind WHEN 'unconfirmed' THEN kind ELSE 'open' END AS state
    FROM levels
    WHERE after > before * CASE WHEN device_kind = 'cuda' THEN 1.02 ELSE 1.05 END
  ),
  -- As the gate has it: up to the accepted value, and while the best level is no better than it was then.
  accepted AS (
    SELECT f.type, f.device, f.implementation, f.config, f.metric, max(a.reason) AS reason
    FROM found f
    JOIN accepted_changes a
      ON a.type = f.type AND a.device = f.device AND a.implementation = f.implementation
      AND a.config = f.config AND a.metric = f.metric
    WHERE f.after <= a.accepted_value * CASE WHEN f.exact THEN 1 ELSE 1.02 END
      AND a.base_value <= f.before * CASE WHEN f.exact THEN 1 ELSE 1.02 END
    GROUP BY f.type, f.device, f.implementation, f.config, f.metric
  ),
  stated AS (
    SELECT
      f.type, f.device, f.implementation, f.config, f.metric, f.unit, f.exact,
      f.before, f.after, round(f.after / nullif(f.before, 0), 4) AS ratio,
      f.commits[f.start - 1] AS last_good, f.commits[f.start] AS since, o.ordinal, o.subject, o.author,
      CASE WHEN a.reason IS NULL THEN f.state ELSE 'accepted' END AS state, a.reason, f.behind
    FROM found f
    JOIN commits o ON o.commit = f.commits[f.start]
    LEFT JOIN accepted a
      ON a.type = f.type AND a.device = f.device AND a.implementation = f.implementation
      AND a.config = f.config AND a.metric = f.metric
  )
SELECT
  type, device, implementation, config, metric, unit, exact, before, after, ratio,
  short(last_good) AS last_good, short(since) AS since, subject, author, state, reason, behind,
  count(*) OVER alike AS cases,
  exp(avg(ln(ratio)) OVER alike) AS mean_ratio,
  row_number() OVER (
    PARTITION BY type, device, implementation, metric, since, state ORDER BY coalesce(ratio, 1e9) DESC, config
  ) AS place
FROM stated
WINDOW alike AS (PARTITION BY type, device, implementation, metric, since, state)
ORDER BY
  CASE state WHEN 'open' THEN 1 WHEN 'unconfirmed' THEN 2 ELSE 3 END,
  ordinal DESC, exact, type, device, implementation, metric, place
