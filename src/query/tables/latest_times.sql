-- One row a time of a case that an implementation did right, at the latest commit of its type and device, with what else that
-- case measured. A failed row disqualifies its case.
WITH
  current AS (
    SELECT *, CASE unit WHEN 'ns' THEN 1.0 WHEN 'us' THEN 1e3 WHEN 'ms' THEN 1e6 WHEN 's' THEN 1e9 END AS ns
    FROM latest_measurements
  ),
  -- One row a case and implementation.
  cases AS (
    SELECT
      type, device, implementation, config,
      bool_and(good) AS good,
      -- What was computed, where it was recorded: implementations of one op compute the same.
      max(message) FILTER (WHERE metric = 'op_flops') AS op,
      max(median) FILTER (WHERE metric = 'instructions') AS instructions,
      max(median) FILTER (WHERE metric = 'global_load_bytes')
        + max(median) FILTER (WHERE metric = 'global_store_bytes') AS global_bytes,
      max(median) FILTER (WHERE metric = 'global_load_sectors')
        + max(median) FILTER (WHERE metric = 'global_store_sectors') AS global_sectors,
      max(median) FILTER (WHERE metric = 'peak_memory') AS peak_memory,
      max(median) FILTER (WHERE metric = 'relative_error') AS relative_error
    FROM current
    GROUP BY type, device, implementation, config
  ),
  totals AS (SELECT type, device, count(DISTINCT config) AS cases FROM cases GROUP BY type, device)
SELECT
  r.type, r.device, r.device_kind, r.commit, r.behind, t.cases, r.implementation, c.op, r.config, r.batch_size, r.seq_len, r.metric,
  r.sample_count, r.mean * r.ns AS mean_ns, r.q1 * r.ns AS q1_ns, r.median * r.ns AS median_ns, r.q3 * r.ns AS q3_ns,
  c.instructions, c.global_bytes, c.global_sectors, c.peak_memory, c.relative_error,
  r.median * r.ns / min(r.median * r.ns) OVER (PARTITION BY r.type, r.device, r.metric, r.config) AS slower
FROM current r
JOIN cases c
  ON c.type = r.type AND c.device = r.device AND c.implementation = r.implementation AND c.config = r.config
JOIN totals t ON t.type = r.type AND t.device = r.device
WHERE r.ns IS NOT NULL AND r.basis <> 'modelled' AND c.good AND r.median > 0
