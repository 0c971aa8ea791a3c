-- The last runs, the latest first.
--
-- param type: text = null; benchmark type, every type where it is null
-- param device: text = null; device by name, every device where it is null
-- param limit: integer = 8; the most rows
SELECT recorded_at, type, short(commit) AS commit, device, dirty, rows, failures, source, run_id
FROM runs
WHERE ($type IS NULL OR type = $type) AND ($device IS NULL OR device = $device)
ORDER BY recorded_at DESC, run_id DESC
LIMIT $limit
