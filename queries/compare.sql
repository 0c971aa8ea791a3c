-- What changed from one commit to another, case by case?
--
-- One row a metric of every case (benchmark type, device, implementation, parameters) that both commits measured, the rows that
-- matter most first; and one row without a metric for each case that a commit failed or does not have. `ratio` is new over base. Of
-- times `low` and `high` are its 95 % interval, `p_value` is that of the Mann-Whitney test and `q_value` the same after the control
-- of false discoveries among the cases of a metric. Counts are exact: any change is one. `noise` is three standard deviations of the
-- ratios of kernels that are the same in both (`same_kernel`): where it is above the threshold, it takes its place.
-- `implementation_ratio` is the geometric mean over the implementation's cases of the same type, device and metric.
--
-- param base: text; revision of the base: HEAD~1, a branch, a tag, the first digits of a hash
-- param new: text = HEAD; revision of what is compared with it
-- param base_run: text = null; run of the base by id; the newest of each case where it is null
-- param new_run: text = null; run of the new one by id; the newest of each case where it is null
-- param dirty: boolean = false; whether the new one's results from a work tree with uncommitted kernels count
-- param type: text = null; benchmark type, every type where it is null
-- param device: text = null; device by name, every device where it is null
-- param implementation: text = null; implementation, every one where it is null
-- param metric: text = null; metric, every one with a better way where it is null
-- param config: text = null; part of a case's parameters, 'seq_len=2048' for instance
-- param threshold: real = null; least change of a time that matters; 0.02 on a GPU and 0.05 elsewhere where it is null
WITH
  sides AS (
    SELECT 'base' AS side, * FROM measurements
    WHERE commit = revision($base)
      AND (run_id = $base_run OR ($base_run IS NULL AND NOT coalesce(dirty, false)))
    UNION ALL
    SELECT 'new' AS side, * FROM measurements
    WHERE commit = revision($new)
      AND (run_id = $new_run OR ($new_run IS NULL AND ($dirty OR NOT coalesce(dirty, false))))
  ),
  -- Each case as the newest run of its side has it.
  placed AS (
    SELECT
      *,
      rank() OVER (
        PARTITION BY side, type, device, device_kind, implementation, config ORDER BY recorded_at DESC, run_id DESC
      ) AS place
    FROM sides
    WHERE ($type IS NULL OR type = $type)
      AND ($device IS NULL OR device = $device)
      AND ($implementation IS NULL OR implementation = $implementation)
      AND ($config IS NULL OR strpos(config, $config) > 0)
  ),
  current AS MATERIALIZED (
    SELECT
      side, type, device, device_kind, implementation, config, metric, unit, basis, status, message, kernel_digest,
      median, sample_count, samples
    FROM placed
    WHERE place = 1
  ),
  -- How each case ended on the two sides; NULL where a side does not have it.
  cases AS MATERIALIZED (
    SELECT
      type, device, device_kind, implementation, config,
      max(CASE WHEN side = 'base' THEN kernel_digest END) = max(CASE WHEN side = 'new' THEN kernel_digest END)
        AND max(CASE WHEN side = 'base' THEN kernel_digest END) <> '' AS same_kernel,
      CASE WHEN bool_or(side = 'base') THEN
        coalesce(max(CASE WHEN side = 'base' AND status <> 'ok' THEN status END), 'ok') END AS base_status,
      CASE WHEN bool_or(side = 'new') THEN
        coalesce(max(CASE WHEN side = 'new' AND status <> 'ok' THEN status END), 'ok') END AS new_status,
      max(CASE WHEN side = 'new' THEN nullif(message, '') END) AS message
    FROM current
    -- A model that does not cover a case says nothing of how it ended.
    WHERE basis <> 'modelled'
    GROUP BY type, device, device_kind, implementation, config
  ),
  pairs AS (
    SELECT
      type, device, device_kind, implementation, config, metric, unit,
      max(basis) AS basis,
      max(basis) <> 'measured' AND max(basis) <> 'extrapolated' OR metric = 'peak_memory' AS exact,
      max(CASE WHEN side = 'base' THEN median END) AS base_value,
      max(CASE WHEN side = 'new' THEN median END) AS new_value,
      max(CASE WHEN side = 'base' THEN sample_count END) AS base_samples,
      max(CASE WHEN side = 'new' THEN sample_count END) AS new_samples,
      -- What is exact needs no test, and a test of many samples takes longer than all else.
      ratio_ci(CASE WHEN side = 'base' AND is_noisy THEN samples END, CASE WHEN side = 'new' AND is_noisy THEN samples END) AS ratio,
      mann_whitney(CASE WHEN side = 'base' AND is_noisy THEN samples END, CASE WHEN side = 'new' AND is_noisy THEN samples END) AS test
    FROM (SELECT *, basis IN ('measured', 'extrapolated') AND metric <> 'peak_memory' AS is_noisy FROM current)
    WHERE status = 'ok'
      AND (metric = $metric OR ($metric IS NULL AND direction(metric, unit) <> 'neutral'))
    GROUP BY type, device, device_kind, implementation, config, metric, unit
  ),
  compared AS MATERIALIZED (
    SELECT
      p.type, p.device, p.device_kind, p.implementation, p.config, p.metric, p.unit, p.basis, p.exact, c.same_kernel,
      direction(p.metric, p.unit) AS direction,
      p.base_value, p.new_value, p.base_samples, p.new_samples,
      CASE WHEN p.base_value > 0 THEN p.new_value / p.base_value END AS ratio,
      CASE WHEN NOT p.exact THEN p.ratio['low'] END AS low,
      CASE WHEN NOT p.exact THEN p.ratio['high'] END AS high,
      CASE WHEN NOT p.exact THEN p.test['p_value'] END AS p_value,
      CASE WHEN NOT p.exact THEN p.test['shift'] END AS shift,
      CASE WHEN NOT p.exact THEN p.test['cliffs_delta'] END AS cliffs_delta
    FROM pairs p
    JOIN cases c
      ON c.type = p.type AND c.device = p.device AND c.device_kind = p.device_kind
      AND c.implementation = p.implementation AND c.config = p.config
    WHERE c.base_status = 'ok' AND c.new_status = 'ok' AND p.base_value IS NOT NULL AND p.new_value IS NOT NULL
  ),
  -- Kernels that are the same on both sides say how far times move by themselves; fewer than five say nothing.
  noises AS (
    SELECT type, device, metric, exp(3 * 1.4826 * median(abs(ln(ratio)))) - 1 AS noise
    FROM compared
    WHERE same_kernel AND NOT exact AND ratio > 0
    GROUP BY type, device, metric
    HAVING count(*) >= 5
  ),
  tested AS (
    SELECT
      c.*, n.noise,
      CASE
        WHEN c.exact THEN 0.0
        ELSE greatest(
          coalesce($threshold, CASE WHEN c.device_kind = 'cuda' THEN 0.02 ELSE 0.05 END), coalesce(n.noise, 0.0)
        )
      END AS threshold,
      benjamini_hochberg(c.p_value) OVER (PARTITION BY c.metric, c.same_kernel) AS q_value,
      exp(avg(ln(CASE WHEN c.ratio > 0 THEN c.ratio END)) OVER (
        PARTITION BY c.type, c.device, c.metric, c.implementation
      )) AS implementation_ratio
    FROM compared c
    LEFT JOIN noises n ON n.type = c.type AND n.device = c.device AND n.metric = c.metric
  ),
  judged AS (
    SELECT
      type, device, device_kind, implementation, config, metric, unit, basis, direction, exact, same_kernel,
      base_value, new_value, base_samples, new_samples, ratio, low, high, p_value, q_value, shift, cliffs_delta, noise, threshold,
      CASE
        WHEN exact THEN verdict(base_value, new_value, threshold, direction)
        ELSE verdict_of(low, ratio, high, q_value, threshold, direction)
      END AS verdict,
      implementation_ratio, 'ok' AS base_status, 'ok' AS new_status, CAST(NULL AS VARCHAR) AS message
    FROM tested
    UNION ALL
    SELECT
      type, device, device_kind, implementation, config, NULL, NULL, NULL, NULL, NULL, same_kernel,
      NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
      NULL, base_status, new_status, message
    FROM cases
    WHERE (base_status IS DISTINCT FROM 'ok') OR (new_status IS DISTINCT FROM 'ok')
  )
SELECT * FROM judged
ORDER BY
  metric IS NOT NULL,
  CASE WHEN metric IS NULL AND new_status IN ('wrong_result', 'trap', 'timeout', 'error') THEN 0 ELSE 1 END,
  exact,
  CASE verdict WHEN 'slower' THEN 1 WHEN 'faster' THEN 2 WHEN 'unclear' THEN 3 ELSE 4 END,
  coalesce(abs(ln(CASE WHEN ratio > 0 THEN ratio END)), 0) DESC,
  type, device, implementation, config, metric
