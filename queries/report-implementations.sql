-- How fast every implementation was at every commit that measured it, in git order.
--
-- `median` is the mean over the commit's cases of their medians. `ratio` compares with the commit before that measured the
-- same cases (geometric mean over those cases, 1 is unchanged, less is faster; null where there is none), `since_first` is the product
-- of all ratios up to this commit and `trend` the list of those products over all commits.
--
-- param type: text = null; the benchmark type, every type where it is null
-- param device: text = null; the device by name, every device where it is null
-- param commits: integer = 5; the latest so many commits of every type and device, all where it is 0
WITH
  aged AS MATERIALIZED (
    SELECT *, dense_rank() OVER (PARTITION BY type, device, metric ORDER BY ordinal DESC) AS age
    FROM steps
    WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
  ),
  -- Before the trends, which are long, stand beside them.
  shown AS MATERIALIZED (SELECT * FROM aged WHERE $commits = 0 OR age <= $commits),
  trends AS MATERIALIZED (
    SELECT
      type, device, metric, implementation,
      count(*) AS commits,
      last_value(to_previous ORDER BY ordinal) AS to_previous,
      last_value(since_first ORDER BY ordinal) AS since_first,
      array_agg(since_first ORDER BY ordinal) AS trend
    FROM aged
    GROUP BY type, device, metric, implementation
  )
SELECT
  c.type || ' · ' || c.device || ' · ' || c.metric AS section,
  c.type, c.device, c.metric, c.implementation, c.commit, c.ordinal,
  short(c.commit) AS label,
  c.cases_done AS cases, c.cases_compared AS compared, c.mean_median AS median, c.to_previous AS ratio,
  t.commits, t.to_previous, t.since_first, t.trend
FROM shown c
JOIN trends t
  ON t.type = c.type AND t.device = c.device AND t.metric = c.metric AND t.implementation = c.implementation
ORDER BY c.type, c.device, c.metric, c.ordinal, c.implementation;
