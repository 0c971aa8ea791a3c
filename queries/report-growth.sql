-- How the time of each implementation grows with the sequence length, and the longest sequence it did.
--
-- `exponent` is the slope of ln(time) over ln(seq_len), by least squares over all cases with the same batch, heads,
-- head_dim, dtype and groups that were done at two lengths or more: 1 is linear, 2 is quadratic. `longest` is the greatest
-- length done right, `failed_from` the least length at which a case failed (skipped ones do not count), with its status.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
WITH
  times AS (
    SELECT *, regexp_replace(config, ' ?seq_len=[0-9]+', '') AS rest
    FROM latest_times
    WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
      AND seq_len > 0 AND median_ns > 0
  ),
  -- Within one series the other parameters are fixed, so series are centred before their slopes are taken together.
  centred AS (
    SELECT
      *,
      ln(median_ns) - avg(ln(median_ns)) OVER series AS y,
      ln(seq_len) - avg(ln(seq_len)) OVER series AS x
    FROM times
    WINDOW series AS (PARTITION BY type, device, metric, implementation, rest)
  ),
  grown AS (
    SELECT
      type, device, metric, commit, implementation,
      sum(x * y) / nullif(sum(x * x), 0) AS exponent,
      count(DISTINCT seq_len) AS lengths,
      min(seq_len) AS shortest,
      max(seq_len) AS longest
    FROM centred
    GROUP BY type, device, metric, commit, implementation
  ),
  failures AS (
    SELECT
      m.type, m.device, m.commit, m.implementation,
      min(m.seq_len) AS failed_from,
      first_value(m.status ORDER BY m.seq_len, m.config) AS status
    FROM measurements m
    -- A later run may have done the case right.
    LEFT ANTI JOIN latest_times t
      ON t.type = m.type AND t.device = m.device AND t.commit = m.commit
      AND t.implementation = m.implementation AND t.config = m.config
    WHERE m.status NOT IN ('ok', 'skipped') AND m.seq_len > 0
    GROUP BY m.type, m.device, m.commit, m.implementation
  )
SELECT
  g.type || ' · ' || g.device || ' · ' || g.metric AS section,
  g.type, g.device, g.metric, g.commit, g.implementation, g.exponent, g.lengths, g.shortest, g.longest,
  f.failed_from, f.status
FROM grown g
LEFT JOIN failures f
  ON f.type = g.type AND f.device = g.device AND f.commit = g.commit AND f.implementation = g.implementation
ORDER BY g.type, g.device, g.metric, g.longest DESC, g.exponent, g.implementation;
