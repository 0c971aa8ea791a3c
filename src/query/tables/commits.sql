-- What the runs say of their commits.
SELECT
  commit,
  count(DISTINCT run_id) AS runs,
  min(recorded_at) AS first_recorded_at,
  max(recorded_at) AS last_recorded_at
FROM runs
GROUP BY commit
