-- Which commits were measured, in git's order?
--
-- Commits that the repository does not have, `unversioned` and `unknown` come first: they have no position.
--
-- param limit: integer = 1000; the last so many commits
SELECT * FROM (
  SELECT position, short(commit) AS commit, subject, author, committed_at, runs, first_recorded_at, last_recorded_at
  FROM commits
  ORDER BY position DESC NULLS LAST, last_recorded_at DESC, commit DESC
  LIMIT $limit
)
ORDER BY position NULLS FIRST, last_recorded_at, commit
