-- What changed at the latest commit of every type and device against the commit before that measured the same case.
--
-- The largest changes first. Of times, `ratio` is the geometric mean over the cases, and `slower` and `faster` say at how many
-- of them the middle halves of the samples lie apart. Of counts and bytes it is the ratio of the means (null where it
-- was 0), and `changed` says at how many cases they differ at all.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
SELECT
  type, device, metric, unit, basis, implementation, commit, previous_commit AS previous,
  count(*) AS cases,
  count(*) FILTER (WHERE median <> previous_median) AS changed,
  count(*) FILTER (WHERE q1 > previous_q3) AS slower,
  count(*) FILTER (WHERE q3 < previous_q1) AS faster,
  CASE unit
    WHEN 'ns' THEN exp(avg(ln(median / previous_median)))
    ELSE avg(median) / nullif(avg(previous_median), 0)
  END AS ratio,
  avg(previous_median) AS before,
  avg(median) AS after
FROM points
WHERE is_latest AND previous_commit IS NOT NULL
  AND ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
GROUP BY type, device, metric, unit, basis, implementation, commit, previous_commit
ORDER BY type, device, coalesce(abs(ln(ratio)), 1e9) DESC, implementation, metric, previous;
