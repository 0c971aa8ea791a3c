-- Which implementation is fastest at the latest commit, and by how much?
--
-- One row an implementation, fastest first, for every benchmark type and device: times of two devices are never set against
-- each other. `mean` and `median` are over its cases, each of which counts with the median of its samples as last measured;
-- `ratio` is against the fastest. `failed` and `skipped` cases count in neither. All implementations are listed side by
-- side, those of different ops too, which compute different things (`pipe kernels list`). Where no metric is given it is the
-- primary time: gpu_time, else emulation_time, else the measured time that an import has.
--
-- param type: text = null; benchmark type, every type where it is null
-- param commit: text = null; a revision, the latest commit measured where it is null
-- param device: text = null; device by name, every device where it is null
-- param metric: text = null; metric, the primary time where it is null
WITH
  -- The commit is chosen here, not after the union, where it would not keep other commits' files from being read.
  outcomes AS (
    SELECT type, commit, device, implementation, config, run_id, recorded_at, status, metric, 'ns' AS unit, median_ns AS value
    FROM timings
    WHERE $metric IS NULL AND commit = coalesce(revision($commit), latest_commit(type, $device))
    UNION ALL
    SELECT type, commit, device, implementation, config, run_id, recorded_at, status, metric, unit, median AS value
    FROM measurements
    WHERE (metric = $metric OR ($metric IS NOT NULL AND status <> 'ok'))
      AND commit = coalesce(revision($commit), latest_commit(type, $device))
  ),
  -- A failure comes before a value of the same run, and a later run before an earlier one.
  placed AS (
    SELECT
      *,
      row_number() OVER (
        PARTITION BY type, commit, device, implementation, config
        ORDER BY recorded_at DESC, run_id DESC, status = 'ok', status <> 'skipped'
      ) AS place
    FROM outcomes
    WHERE ($type IS NULL OR type = $type)
      AND ($device IS NULL OR device = $device)
  ),
  ranked AS (
    SELECT
      type, commit, device, implementation,
      max(metric) FILTER (WHERE status = 'ok') AS metric,
      max(unit) FILTER (WHERE status = 'ok') AS unit,
      count(*) FILTER (WHERE status = 'ok') AS cases,
      count(*) FILTER (WHERE status NOT IN ('ok', 'skipped')) AS failed,
      count(*) FILTER (WHERE status = 'skipped') AS skipped,
      avg(value) FILTER (WHERE status = 'ok') AS mean,
      median(value) FILTER (WHERE status = 'ok') AS median
    FROM placed
    WHERE place = 1
    GROUP BY type, commit, device, implementation
  )
SELECT
  type, short(commit) AS commit, device,
  CASE WHEN mean IS NOT NULL THEN rank() OVER (PARTITION BY type, device, metric ORDER BY mean) END AS rank,
  implementation, metric, unit, mean, median,
  round(mean / min(mean) OVER (PARTITION BY type, device, metric), 3) AS ratio,
  cases, failed, skipped
FROM ranked
ORDER BY type, device, metric NULLS LAST, mean NULLS LAST, implementation
