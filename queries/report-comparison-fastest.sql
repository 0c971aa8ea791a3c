-- Which implementation of an op was fastest at which sequence length at one commit, and which is at another.
--
-- Implementations of different ops compute different things and are not set against each other; `op` is null where it was not
-- recorded, as in imports, and all of those count as one. One row a length, over the cases that an implementation did right at both
-- commits and of which none has more; geometric means.
-- `was_lead` and `lead` are what the second fastest takes against the fastest, null where there is none.
--
-- param base: text; revision of the base
-- param new: text = HEAD; revision of what is compared with it
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
WITH
  placed AS (
    SELECT
      type, device, metric, implementation, config, seq_len, status, median_ns, commit = revision($new) AS is_new,
      row_number() OVER (
        PARTITION BY commit, type, device, implementation, config
        ORDER BY recorded_at DESC, run_id DESC, status = 'ok', status <> 'skipped'
      ) AS place
    FROM timings
    WHERE (commit = revision($base) OR commit = revision($new)) AND NOT coalesce(dirty, false)
      AND ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
  ),
  cases AS (
    SELECT
      type, device, metric, implementation, config, seq_len,
      max(CASE WHEN NOT is_new THEN median_ns END) AS base_time,
      max(CASE WHEN is_new THEN median_ns END) AS new_time
    FROM placed
    WHERE place = 1 AND status = 'ok' AND median_ns > 0 AND seq_len IS NOT NULL
    GROUP BY type, device, metric, implementation, config, seq_len
  ),
  -- What each implementation computes, by what was counted of it.
  ops AS (
    SELECT implementation, max(message) AS op
    FROM measurements
    WHERE metric = 'op_flops' AND (commit = revision($base) OR commit = revision($new))
    GROUP BY implementation
  ),
  lengths AS (
    SELECT
      c.type, c.device, c.metric, o.op, c.seq_len, c.implementation, count(*) AS cases,
      exp(avg(ln(c.base_time))) AS base_time, exp(avg(ln(c.new_time))) AS new_time
    FROM cases c LEFT JOIN ops o ON o.implementation = c.implementation
    WHERE c.base_time IS NOT NULL AND c.new_time IS NOT NULL
    GROUP BY c.type, c.device, c.metric, o.op, c.seq_len, c.implementation
  ),
  complete AS (
    SELECT *, max(cases) OVER (PARTITION BY type, device, metric, op, seq_len) AS most FROM lengths
  ),
  ranked AS (
    SELECT
      *,
      row_number() OVER (PARTITION BY type, device, metric, op, seq_len ORDER BY base_time, implementation) AS base_rank,
      row_number() OVER (PARTITION BY type, device, metric, op, seq_len ORDER BY new_time, implementation) AS new_rank
    FROM complete
    WHERE cases = most
  )
SELECT
  type || ' · ' || device AS section, type, device, metric, op, seq_len,
  max(CASE WHEN base_rank = 1 THEN implementation END) AS was,
  max(CASE WHEN new_rank = 1 THEN implementation END) AS is_now,
  max(CASE WHEN base_rank = 2 THEN base_time END) / min(base_time) AS was_lead,
  max(CASE WHEN new_rank = 2 THEN new_time END) / min(new_time) AS lead
FROM ranked
GROUP BY type, device, metric, op, seq_len
ORDER BY type, device, metric, op, seq_len;
