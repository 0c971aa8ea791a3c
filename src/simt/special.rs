//! The special registers that a kernel can read.

/// A readable special register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Special {
    /// Thread in the block, by dimension.
    TidX,
    TidY,
    TidZ,
    /// Block size.
    NtidX,
    NtidY,
    NtidZ,
    /// Block in the grid.
    CtaidX,
    CtaidY,
    CtaidZ,
    /// Grid size.
    NctaidX,
    NctaidY,
    NctaidZ,
    LaneId,
    WarpId,
    NwarpId,
    /// The block's index modulo [`PROCESSORS`]: the same on every run.
    SmId,
    NsmId,
    LanemaskEq,
    LanemaskLe,
    LanemaskLt,
    LanemaskGe,
    LanemaskGt,
    /// Instructions that the warp has issued and nanoseconds that it slept: a clock that is the same on every run.
    Clock,
    ClockHigh,
    Clock64,
    /// As [`Special::Clock64`]: a nanosecond an instruction.
    GlobalTimer,
    DynamicSharedBytes,
    TotalSharedBytes,
    /// The address of the memory in which the blocks of a cooperative launch meet, by halves.
    WorkspaceLow,
    WorkspaceHigh,
    /// Registers that are zero without clusters and graphs.
    Zero,
    /// Registers that are one without clusters.
    One,
}

/// How many multiprocessors `%nsmid` tells.
pub(crate) const PROCESSORS: u32 = 16;

impl Special {
    const ALL: &[Special] = {
        use Special::*;
        &[
            TidX,
            TidY,
            TidZ,
            NtidX,
            NtidY,
            NtidZ,
            CtaidX,
            CtaidY,
            CtaidZ,
            NctaidX,
            NctaidY,
            NctaidZ,
            LaneId,
            WarpId,
            NwarpId,
            SmId,
            NsmId,
            LanemaskEq,
            LanemaskLe,
            LanemaskLt,
            LanemaskGe,
            LanemaskGt,
            Clock,
            ClockHigh,
            Clock64,
            GlobalTimer,
            DynamicSharedBytes,
            TotalSharedBytes,
            WorkspaceLow,
            WorkspaceHigh,
            Zero,
            One,
        ]
    };

    /// The register of that name and whether it is 64 bits wide; `None` where it cannot be read here.
    pub(crate) fn named(name: &str) -> Option<(Self, bool)> {
        use Special::*;
        let narrow = |special| Some((special, false));
        match name {
            "%tid.x" => narrow(TidX),
            "%tid.y" => narrow(TidY),
            "%tid.z" => narrow(TidZ),
            "%ntid.x" => narrow(NtidX),
            "%ntid.y" => narrow(NtidY),
            "%ntid.z" => narrow(NtidZ),
            "%ctaid.x" => narrow(CtaidX),
            "%ctaid.y" => narrow(CtaidY),
            "%ctaid.z" => narrow(CtaidZ),
            "%nctaid.x" | "%nclusterid.x" => narrow(NctaidX),
            "%nctaid.y" | "%nclusterid.y" => narrow(NctaidY),
            "%nctaid.z" | "%nclusterid.z" => narrow(NctaidZ),
            "%clusterid.x" => narrow(CtaidX),
            "%clusterid.y" => narrow(CtaidY),
            "%clusterid.z" => narrow(CtaidZ),
            "%laneid" => narrow(LaneId),
            "%warpid" => narrow(WarpId),
            "%nwarpid" => narrow(NwarpId),
            "%smid" => narrow(SmId),
            "%nsmid" => narrow(NsmId),
            "%lanemask_eq" => narrow(LanemaskEq),
            "%lanemask_le" => narrow(LanemaskLe),
            "%lanemask_lt" => narrow(LanemaskLt),
            "%lanemask_ge" => narrow(LanemaskGe),
            "%lanemask_gt" => narrow(LanemaskGt),
            "%clock" | "%globaltimer_lo" => narrow(Clock),
            "%clock_hi" | "%globaltimer_hi" => narrow(ClockHigh),
            "%clock64" => Some((Clock64, true)),
            "%globaltimer" => Some((GlobalTimer, true)),
            "%gridid" | "%current_graph_exec" => Some((Zero, true)),
            "%dynamic_smem_size" => narrow(DynamicSharedBytes),
            "%total_smem_size" | "%aggr_smem_size" => narrow(TotalSharedBytes),
            "%cluster_nctarank" => narrow(One),
            "%cluster_ctarank" | "%tid.w" | "%ctaid.w" | "%clusterid.w" => narrow(Zero),
            "%ntid.w" | "%nctaid.w" | "%nclusterid.w" => narrow(One),
            _ if name.starts_with("%cluster_ctaid.") => narrow(Zero),
            _ if name.starts_with("%cluster_nctaid.") => narrow(One),
            "%envreg1" => narrow(WorkspaceHigh),
            "%envreg2" => narrow(WorkspaceLow),
            _ if name.starts_with("%envreg") => narrow(Zero),
            _ if name.starts_with("%reserved_smem_offset") => narrow(Zero),
            _ if name.starts_with("%pm") => Some((Zero, name.ends_with("_64"))),
            _ => None,
        }
    }

    /// From its number in a decoded instruction.
    pub(crate) fn numbered(number: u16) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Special::Zero)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_back() {
        for (index, special) in Special::ALL.iter().enumerate() {
            assert_eq!(*special as usize, index);
            assert_eq!(Special::numbered(index as u16), *special);
        }
    }
}
