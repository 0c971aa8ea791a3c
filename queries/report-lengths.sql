-- What each implementation takes at each sequence length, at the latest commit of every type and device.
--
-- One row an implementation and length, as geometric means over the cases of that length which it did right. `throughput` is
-- in tokens a second, a token being one position of one sequence; `memory_per_token` is the peak device memory over the
-- tokens of the case. `cases` of `most`: how many of the cases that any implementation did right at this length.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
WITH
  times AS (
    SELECT *, batch_size * seq_len AS tokens
    FROM latest_times
    WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
      AND batch_size > 0 AND seq_len > 0 AND median_ns > 0
  ),
  lengths AS (
    SELECT
      type, device, device_kind, metric, commit, implementation, seq_len,
      count(*) AS cases,
      exp(avg(ln(median_ns))) AS time,
      exp(avg(ln(tokens / median_ns * 1e9))) AS throughput,
      exp(avg(ln(CASE WHEN peak_memory > 0 THEN peak_memory / tokens END))) AS memory_per_token
    FROM times
    GROUP BY type, device, device_kind, metric, commit, implementation, seq_len
  )
SELECT
  type || ' · ' || device || ' · ' || metric AS section,
  type, device, device_kind, metric, commit, implementation, seq_len, cases,
  max(cases) OVER (PARTITION BY type, device, metric, seq_len) AS most,
  time, throughput, memory_per_token
FROM lengths
ORDER BY type, device, metric, seq_len, implementation;
