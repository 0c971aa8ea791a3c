-- One row a run: as the summary has it, or where it does not, by the rows of its file.
SELECT run_id, recorded_at, commit, type, device, device_kind, source, dirty, rows, failures
FROM summarised_runs
UNION ALL
SELECT
  run_id, recorded_at, commit, type, device, device_kind, source,
  bool_or(dirty) AS dirty,
  count(*) AS rows,
  count(*) FILTER (WHERE status NOT IN ('ok', 'skipped')) AS failures
FROM other_measurements
GROUP BY run_id, recorded_at, commit, type, device, device_kind, source
