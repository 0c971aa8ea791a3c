-- Strategies of allocation on each trace, at the latest commit of every device.
--
-- One row a trace and strategy, as the newest run at the commit has it: `first` is the mean time of an allocation by an
-- allocator that has nothing yet, `reuse` of one once everything was given back, `free` of giving a buffer back, in ns,
-- medians over the samples; `turn` is `reuse` and `free` together. `peak_memory` was reserved, `live_memory` asked for at
-- once, both in bytes; `fragmentation` is 1 − live / peak. `requests` are both passes' allocations. `ratio` is the median of
-- `reuse` over that of the strategy `plain`, with its 95 % interval from `low` to `high`; null where there is no `plain`.
--
-- param type: text = null; the benchmark type, every type with such measurements where it is null
-- param device: text = null; the device by name, every device where it is null
WITH
  current AS (
    SELECT *
    FROM latest_measurements
    WHERE status = 'ok' AND ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
      AND metric IN (
        'allocation_time', 'reuse_time', 'free_time', 'fragmentation', 'peak_memory', 'live_memory', 'device_allocations',
        'hot_cache_hits'
      )
      AND parameters['trace'] IS NOT NULL
  ),
  cases AS (
    SELECT
      type, device, commit, behind, implementation, config,
      max(parameters['trace']) AS trace,
      2 * max(CAST(parameters['allocations'] AS BIGINT)) AS requests,
      max(median) FILTER (WHERE metric = 'allocation_time') AS first,
      max(median) FILTER (WHERE metric = 'reuse_time') AS reuse,
      max(median) FILTER (WHERE metric = 'free_time') AS free,
      max(median) FILTER (WHERE metric = 'fragmentation') AS fragmentation,
      max(median) FILTER (WHERE metric = 'peak_memory') AS peak_memory,
      max(median) FILTER (WHERE metric = 'live_memory') AS live_memory,
      max(median) FILTER (WHERE metric = 'device_allocations') AS device_allocations,
      max(median) FILTER (WHERE metric = 'hot_cache_hits') AS hot_cache_hits
    FROM current
    GROUP BY type, device, commit, behind, implementation, config
  ),
  ratios AS (
    SELECT
      n.type, n.device, n.implementation, n.config,
      ratio_ci(p.samples, n.samples) AS ratio,
      mann_whitney(p.samples, n.samples) AS test
    FROM current n
    JOIN current p ON p.type = n.type AND p.device = n.device AND p.config = n.config
    WHERE n.metric = 'reuse_time' AND p.metric = 'reuse_time' AND p.implementation = 'plain' AND n.implementation <> 'plain'
    GROUP BY n.type, n.device, n.implementation, n.config
  )
SELECT
  c.type || ' · ' || c.device || ' · ' || regexp_replace(c.config, ' ?trace=[^ ]+', '') AS section,
  c.type, c.device, c.commit, c.behind, regexp_replace(c.config, ' ?trace=[^ ]+', '') AS sizes, c.trace, c.implementation,
  c.config, c.requests, c.first, c.reuse, c.free, c.reuse + c.free AS turn, c.fragmentation, c.peak_memory, c.live_memory, c.device_allocations,
  c.hot_cache_hits, r.ratio['ratio'] AS ratio, r.ratio['low'] AS low, r.ratio['high'] AS high,
  verdict_of(r.ratio['low'], r.ratio['ratio'], r.ratio['high'], r.test['p_value'], 0.05, 'lower') AS verdict
FROM cases c
LEFT JOIN ratios r
  ON r.type = c.type AND r.device = c.device AND r.implementation = c.implementation AND r.config = c.config
ORDER BY c.type, c.device, sizes, c.trace, c.implementation;
