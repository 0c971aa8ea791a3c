-- One row a sample of a measurement.
SELECT
  run_id, recorded_at, commit, type, dirty, implementation, config,
  batch_size, seq_len, num_heads, head_dim, dtype,
  metric, unit, basis, status, device, device_kind,
  unnest(range(1, CAST(coalesce(array_length(samples), 0) AS BIGINT) + 1)) AS sample_index,
  unnest(samples) AS sample
FROM measurements
WHERE sample_count > 0
