-- Which implementation is fastest at which sequence length, at the latest commit of every type and device.
--
-- One row a range of neighbouring lengths with the same fastest implementation. `lead` is how many times longer the
-- second fastest takes (geometric mean over the cases of a length, then smallest and largest over the lengths); it is null
-- where nothing else was measured. `clear` says that at every case of the range the middle halves of both implementations'
-- samples, three at least, lie apart.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
WITH
  chosen AS (
    SELECT *, CASE unit WHEN 'ns' THEN 1.0 WHEN 'us' THEN 1e3 WHEN 'ms' THEN 1e6 WHEN 's' THEN 1e9 END AS ns
    FROM measurements
    WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
  ),
  -- Commits in git order; those that the repository does not have come first, by the time of their first run.
  ordered AS (
    SELECT commit, row_number() OVER (ORDER BY position NULLS FIRST, first_recorded_at, commit) AS ordinal FROM commits
  ),
  -- A case counts as the newest run at a commit has it, and is good where none of its rows failed.
  tried AS (
    SELECT
      type, device, commit, implementation, config, run_id,
      max(recorded_at) AS recorded_at, bool_and(status = 'ok') AS good
    FROM chosen
    GROUP BY type, device, commit, implementation, config, run_id
  ),
  newest AS (
    SELECT
      type, device, commit, implementation, config,
      last_value(run_id ORDER BY recorded_at, run_id) AS run_id,
      last_value(good ORDER BY recorded_at, run_id) AS good
    FROM tried
    GROUP BY type, device, commit, implementation, config
  ),
  -- The last commit that measured a type on a device.
  latest AS (
    SELECT n.type, n.device, last_value(n.commit ORDER BY o.ordinal) AS commit, max(o.ordinal) AS ordinal
    FROM newest n JOIN ordered o ON o.commit = n.commit
    GROUP BY n.type, n.device
  ),
  current AS (
    SELECT m.*, n.good
    FROM chosen m
    JOIN latest l ON l.type = m.type AND l.device = m.device AND l.commit = m.commit
    JOIN newest n
      ON n.type = m.type AND n.device = m.device AND n.commit = m.commit
      AND n.implementation = m.implementation AND n.config = m.config AND n.run_id = m.run_id
  ),
  -- One row a case and implementation.
  cases AS (
    SELECT
      type, device, implementation, config,
      bool_and(good) AS good,
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
  times AS (
    SELECT
      r.type, r.device, r.device_kind, r.commit, r.implementation, r.config, r.batch_size, r.seq_len, r.metric,
      r.sample_count, r.mean * r.ns AS mean, r.q1 * r.ns AS q1, r.median * r.ns AS median, r.q3 * r.ns AS q3,
      c.instructions, c.global_bytes, c.global_sectors, c.peak_memory, c.relative_error,
      r.median * r.ns / min(r.median * r.ns) OVER (PARTITION BY r.type, r.device, r.metric, r.config) AS slower
    FROM current r
    JOIN cases c
      ON c.type = r.type AND c.device = r.device AND c.implementation = r.implementation AND c.config = r.config
    WHERE r.ns IS NOT NULL AND r.basis <> 'modelled' AND c.good AND r.median > 0
  ),
  lengths AS (
    SELECT
      type, device, metric, commit, seq_len, implementation,
      count(*) AS cases,
      exp(avg(ln(median))) AS time
    FROM times
    GROUP BY type, device, metric, commit, seq_len, implementation
  ),
  -- Only implementations that did all cases of the length that any did compete for it.
  complete AS (
    SELECT *, max(cases) OVER (PARTITION BY type, device, metric, seq_len) AS most FROM lengths
  ),
  placed AS (
    SELECT
      *,
      row_number() OVER by_time AS place,
      lead(implementation) OVER by_time AS second,
      lead(time) OVER by_time / time AS lead
    FROM complete
    WHERE cases = most
    WINDOW by_time AS (PARTITION BY type, device, metric, seq_len ORDER BY time, implementation)
  ),
  winners AS (
    SELECT
      *,
      CAST(row_number() OVER (PARTITION BY type, device, metric ORDER BY seq_len NULLS FIRST) AS BIGINT)
        - CAST(row_number() OVER (
            PARTITION BY type, device, metric, implementation ORDER BY seq_len NULLS FIRST
          ) AS BIGINT) AS island
    FROM placed
    WHERE place = 1
  ),
  apart AS (
    SELECT
      w.type, w.device, w.metric, w.seq_len,
      bool_and(f.q3 < s.q1 AND f.sample_count >= 3 AND s.sample_count >= 3) AS clear
    FROM winners w
    JOIN times f
      ON f.type = w.type AND f.device = w.device AND f.metric = w.metric
      AND coalesce(f.seq_len, 0) = coalesce(w.seq_len, 0) AND f.implementation = w.implementation
    JOIN times s
      ON s.type = f.type AND s.device = f.device AND s.metric = f.metric AND s.config = f.config
      AND s.implementation = w.second
    GROUP BY w.type, w.device, w.metric, w.seq_len
  )
SELECT
  w.type || ' · ' || w.device || ' · ' || w.metric AS section,
  w.type, w.device, w.metric, w.commit, w.implementation,
  min(w.seq_len) AS shortest,
  max(w.seq_len) AS longest,
  count(*) AS lengths,
  min(w.lead) AS least_lead,
  max(w.lead) AS greatest_lead,
  string_agg(DISTINCT w.second, ', ' ORDER BY w.second) AS second,
  bool_and(a.clear) AS clear
FROM winners w
LEFT JOIN apart a
  ON a.type = w.type AND a.device = w.device AND a.metric = w.metric AND coalesce(a.seq_len, 0) = coalesce(w.seq_len, 0)
GROUP BY w.type, w.device, w.metric, w.commit, w.implementation, w.island
ORDER BY w.type, w.device, w.metric, shortest;
