-- What do the kernels cost, beside what the op asks for?
--
-- One row an implementation, case and GPU that its times are bounded for, at the latest commit that counted them on a device, as the
-- newest run for that GPU has it; `place` is 1 for the newest of all GPUs. Everything is exact.
--
-- `registers_…` and `spilled_…` (bytes a thread) are NVIDIA's assembler's, null where the run had none (`pipe bench --ptxas`).
-- `bank_conflicts` are wavefronts of shared memory beyond the fewest. `excess_sectors` are 32-byte sectors that global loads and
-- stores touch beyond the bytes they ask for. `useful` is the share of the tensor cores' flops that the op asks for. `overhead` is the
-- share of integers, moves and control among the instructions of the innermost loop that issues most.
--
-- `over_minimum` is how many times as long as the tensor cores need for the op's own flops the busiest pipe of a multiprocessor
-- needs, which is `busiest`: what the time comes to where blocks fill the GPU and memory does not bind. Null without tensor cores.
--
-- param type: text = null; benchmark type, every type where it is null
-- param device: text = null; device by name, every device where it is null
-- param implementation: text = null; implementation, every one where it is null
WITH
  chosen AS (
    SELECT *, environment['roofline_gpu'] AS gpu
    FROM measurements
    WHERE basis IN ('counted', 'modelled') AND status = 'ok'
      AND ($type IS NULL OR type = $type)
      AND ($device IS NULL OR device = $device)
      AND ($implementation IS NULL OR implementation = $implementation)
  ),
  latest AS (
    SELECT c.type, c.device, last_value(c.commit ORDER BY o.ordinal) AS commit
    FROM chosen c JOIN commits o ON o.commit = c.commit
    WHERE c.metric = 'op_flops'
    GROUP BY c.type, c.device
  ),
  newest AS (
    SELECT
      c.type, c.device, c.commit, c.implementation, c.config, c.gpu,
      max(c.recorded_at) AS recorded_at,
      last_value(c.run_id ORDER BY c.recorded_at, c.run_id) AS run_id
    FROM chosen c
    JOIN latest l ON l.type = c.type AND l.device = c.device AND l.commit = c.commit
    GROUP BY c.type, c.device, c.commit, c.implementation, c.config, c.gpu
  ),
  cases AS (
    SELECT
      c.type, c.device, c.commit, c.implementation, c.config, c.gpu, n.recorded_at, n.run_id,
      max(c.dtype) AS dtype,
      max(c.head_dim) AS head_dim,
      max(c.median) FILTER (WHERE c.metric = 'registers_sm_80') AS registers_sm_80,
      max(c.median) FILTER (WHERE c.metric = 'registers_sm_90') AS registers_sm_90,
      max(c.median) FILTER (WHERE c.metric = 'registers_sm_120') AS registers_sm_120,
      max(c.median) FILTER (WHERE c.metric = 'spilled_bytes_sm_80') AS spilled_sm_80,
      max(c.median) FILTER (WHERE c.metric = 'spilled_bytes_sm_90') AS spilled_sm_90,
      max(c.median) FILTER (WHERE c.metric = 'spilled_bytes_sm_120') AS spilled_sm_120,
      max(c.median) FILTER (WHERE c.metric = 'shared_bank_conflicts') AS bank_conflicts,
      max(c.median) FILTER (WHERE c.metric = 'global_load_sectors') AS load_sectors,
      max(c.median) FILTER (WHERE c.metric = 'global_load_bytes') AS load_bytes,
      max(c.median) FILTER (WHERE c.metric = 'global_store_sectors') AS store_sectors,
      max(c.median) FILTER (WHERE c.metric = 'global_store_bytes') AS store_bytes,
      max(c.median) FILTER (WHERE c.metric = 'op_flops') AS op_flops,
      max(c.median) FILTER (WHERE c.metric = 'tensor_flops') AS tensor_flops,
      max(c.median) FILTER (WHERE c.metric = 'hot_loop_instructions') AS loop_instructions,
      max(c.median) FILTER (WHERE c.metric = 'hot_loop_overhead') AS loop_overhead,
      max(c.median) FILTER (WHERE c.metric = 'roofline_tensor_time') AS tensor_time,
      -- The pipes of a multiprocessor; L2 and DRAM belong to all of them.
      max(c.median) FILTER (WHERE c.metric IN (
        'roofline_issue_time', 'roofline_fp32_time', 'roofline_fp16_time', 'roofline_fp64_time', 'roofline_integer_time',
        'roofline_special_time', 'roofline_tensor_time', 'roofline_load_store_time', 'roofline_shared_time', 'roofline_l1_time'
      )) AS busiest_time,
      last_value(c.metric ORDER BY c.median, c.metric) FILTER (WHERE c.metric IN (
        'roofline_issue_time', 'roofline_fp32_time', 'roofline_fp16_time', 'roofline_fp64_time', 'roofline_integer_time',
        'roofline_special_time', 'roofline_tensor_time', 'roofline_load_store_time', 'roofline_shared_time', 'roofline_l1_time'
      )) AS busiest_metric
    FROM chosen c
    JOIN newest n
      ON n.type = c.type AND n.device = c.device AND n.commit = c.commit AND n.implementation = c.implementation
      AND n.config = c.config AND n.run_id = c.run_id
    GROUP BY c.type, c.device, c.commit, c.implementation, c.config, c.gpu, n.recorded_at, n.run_id
  )
SELECT
  type, device, short(commit) AS commit, implementation, config, dtype, head_dim,
  registers_sm_80, registers_sm_90, registers_sm_120, spilled_sm_80, spilled_sm_90, spilled_sm_120, bank_conflicts,
  greatest(load_sectors - ceil(load_bytes / 32), 0) + greatest(store_sectors - ceil(store_bytes / 32), 0) AS excess_sectors,
  CASE WHEN tensor_flops > 0 THEN op_flops / tensor_flops END AS useful,
  CASE WHEN loop_instructions > 0 THEN loop_overhead / loop_instructions END AS overhead,
  gpu,
  CASE WHEN tensor_time > 0 AND op_flops > 0 THEN busiest_time / (tensor_time * op_flops / tensor_flops) END AS over_minimum,
  replace(regexp_replace(busiest_metric, '^roofline_(.*)_time$', '\1'), '_', ' ') AS busiest,
  row_number() OVER (
    PARTITION BY type, device, implementation, config ORDER BY recorded_at DESC, run_id DESC
  ) AS place
FROM cases
ORDER BY type, device, implementation, config, gpu
