-- One row a case of a run: how it ended, and its primary time. A row that failed decides how its case ended.
SELECT
  run_id, recorded_at, commit, type, dirty, implementation, config,
  batch_size, seq_len, num_heads, head_dim, dtype, device, device_kind, kernel_digest,
  status, message, metric, sample_count,
  median * scale AS median_ns, mean * scale AS mean_ns, std_dev * scale AS std_dev_ns,
  min * scale AS min_ns, q1 * scale AS q1_ns, q3 * scale AS q3_ns, max * scale AS max_ns
FROM (
  SELECT
    *,
    CASE unit WHEN 'ns' THEN 1.0 WHEN 'us' THEN 1e3 WHEN 'ms' THEN 1e6 WHEN 's' THEN 1e9 END AS scale,
    row_number() OVER (
      PARTITION BY run_id, commit, type, implementation, config, device, device_kind
      ORDER BY
        status = 'ok', status <> 'skipped',
        CASE metric WHEN 'gpu_time' THEN 1 WHEN 'emulation_time' THEN 2 ELSE 3 END, metric
    ) AS place
  FROM measurements
  WHERE status <> 'ok' OR (unit IN ('ns', 'us', 'ms', 's') AND basis = 'measured')
)
WHERE place = 1
