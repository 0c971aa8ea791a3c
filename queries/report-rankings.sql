-- Which implementation is fastest: the latest commit of every type and device.
--
-- Times are means over the cases that the implementation did right: of the cases' medians, and of their means.
-- `slower` is the geometric mean, over its cases, of the time against the fastest implementation of the same case, so
-- implementations that did different cases can be compared. `spread` is the mean of
-- (q3 − q1) / median over the cases with three samples or more. Counts and peak
-- memory are means over the cases, the error is the largest. `behind` says how many commits of the history are newer.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
WITH
  times AS (
    SELECT *, mean_ns AS mean, q1_ns AS q1, median_ns AS median, q3_ns AS q3
    FROM latest_times
    WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
  ),
  summed AS (
    SELECT
      type, device, device_kind, commit, behind, cases, metric, implementation,
      count(*) AS good,
      avg(median) AS median,
      avg(mean) AS mean,
      exp(avg(ln(slower))) AS slower,
      avg(CASE WHEN sample_count >= 3 THEN (q3 - q1) / median END) AS spread,
      min(sample_count) AS samples,
      avg(instructions) AS instructions,
      avg(global_bytes) AS global_bytes,
      avg(global_sectors) AS global_sectors,
      avg(peak_memory) AS peak_memory,
      max(relative_error) AS relative_error
    FROM times
    GROUP BY type, device, device_kind, commit, behind, cases, metric, implementation
  )
SELECT
  type || ' · ' || device || ' · ' || metric AS section,
  type, device, device_kind, metric, commit, behind,
  rank() OVER (PARTITION BY type, device, metric ORDER BY slower, median) AS rank,
  implementation, good, cases, median, mean, slower, spread, samples,
  instructions, global_bytes, global_sectors, peak_memory, relative_error
FROM summed
ORDER BY type, device, metric, rank, implementation;
