-- One row a run.
SELECT
  run_id, recorded_at, commit, type, device, device_kind, source,
  bool_or(dirty) AS dirty,
  count(*) AS rows,
  count(*) FILTER (WHERE status NOT IN ('ok', 'skipped')) AS failures
FROM measurements
GROUP BY run_id, recorded_at, commit, type, device, device_kind, source
