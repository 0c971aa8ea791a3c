-- The time of every case at the latest commit of its type and device, by implementation.
--
-- Only cases done right; `slower` is the time against the fastest implementation of the same case.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
WITH
  times AS (
    SELECT *, mean_ns AS mean, q1_ns AS q1, median_ns AS median, q3_ns AS q3
    FROM latest_times
    WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
  )
SELECT
  type || ' · ' || device || ' · ' || metric AS section,
  type, device, metric, commit, config, batch_size, seq_len, implementation, median, q1, q3, slower, peak_memory
FROM times
ORDER BY type, device, metric, batch_size, seq_len, config, implementation;
