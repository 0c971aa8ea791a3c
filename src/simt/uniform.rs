//! Which registers have the same value in every lane of a warp, as far as the code tells.
//!
//! What comes from uniform sources is uniform, unless lanes that parted bring different values to where they meet. The
//! answer is a promise for speed only: compiled blocks check it whenever a warp's lanes have come together again.

use crate::{
    cfg::{Block, BlockId, NO_BLOCK},
    instruction::{Instruction, Space, Tables, Touch},
    isa::Code,
    liveness::{Liveness, Numbering, Set, touches},
    registers::LANES,
    special::Special,
};

/// When a register is uniform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Uniformity {
    /// Lanes differ.
    Never,
    /// If a warp's threads lie in one row of the block: its x dimension is a multiple of 32.
    InRows,
    /// Always.
    Always,
    /// A constant, which every lane always holds.
    Constant,
}

impl Uniformity {
    /// How many there are.
    pub(crate) const COUNT: usize = 4;

    /// Whether it is uniform in a launch where warps lie `in_rows` or not.
    pub(crate) fn holds(self, in_rows: bool) -> bool {
        self >= if in_rows { Uniformity::InRows } else { Uniformity::Always }
    }
}

/// Whether the warps of blocks of this size lie in rows.
pub(crate) fn in_rows(block: [u32; 3]) -> bool {
    block[0].is_multiple_of(LANES as u32)
}

/// The uniformity of every register.
pub(crate) fn analyse(
    code: &[Instruction],
    tables: &mut Tables,
    blocks: &[Block],
    numbering: &Numbering,
    live: &Liveness,
) -> Vec<Uniformity> {
    let mut varying = |in_rows| Varying::new(numbering, in_rows).spread(code, tables, blocks, live);
    let (in_any, in_rows) = (varying(false), varying(true));
    let of = |index| match (in_any.contains(index), in_rows.contains(index)) {
        (false, _) => Uniformity::Always,
        (true, false) => Uniformity::InRows,
        (true, true) => Uniformity::Never,
    };
    (0..numbering.total()).map(of).collect()
}

/// Where a result comes from.
enum Origin {
    /// Uniform if its sources are.
    Sources,
    /// Lanes differ.
    Lanes,
    /// The same for all.
    Warp,
}

/// Registers found to vary, growing.
struct Varying<'a> {
    numbering: &'a Numbering,
    in_rows: bool,
    registers: Set,
}

impl<'a> Varying<'a> {
    fn new(numbering: &'a Numbering, in_rows: bool) -> Self {
        Varying { numbering, in_rows, registers: Set::new(numbering.total()) }
    }

    fn spread(mut self, code: &[Instruction], tables: &mut Tables, blocks: &[Block], live: &Liveness) -> Set {
        let mut parted = Set::new(blocks.len());
        loop {
            let mut grown = false;
            for instruction in code {
                grown |= self.instruction(instruction, tables);
            }
            for (b, block) in blocks.iter().enumerate() {
                let branches = block.terminated && code[block.end as usize].code == Code::Branch;
                if branches && !parted.contains(b) && self.reads_varying(&code[block.end as usize], tables) {
                    parted.insert(b);
                    grown |= self.part(block, blocks, live);
                }
            }
            if !grown {
                return self.registers;
            }
        }
    }

    fn reads_varying(&self, instruction: &Instruction, tables: &mut Tables) -> bool {
        let mut found = false;
        touches(instruction, tables, self.numbering, |how, index| {
            found |= how == Touch::Read && self.registers.contains(index);
        });
        found
    }

    /// Marks what an instruction writes, if it varies; says whether that is new.
    fn instruction(&mut self, instruction: &Instruction, tables: &mut Tables) -> bool {
        let varies = match self.origin(instruction, tables) {
            Origin::Lanes => true,
            Origin::Warp => false,
            Origin::Sources => self.reads_varying(instruction, tables),
        };
        if !varies {
            return false;
        }
        let mut written = Set::new(self.numbering.total());
        touches(instruction, tables, self.numbering, |how, index| {
            if how == Touch::Write {
                written.insert(index);
            }
        });
        self.registers.extend(&written)
    }

    fn origin(&self, instruction: &Instruction, tables: &Tables) -> Origin {
        use Special::*;
        match instruction.code {
            Code::ReadSpecial => match Special::numbered(instruction.m) {
                TidX | LaneId | LanemaskEq | LanemaskLe | LanemaskLt | LanemaskGe | LanemaskGt => {
                    Origin::Lanes
                }
                TidY | TidZ if !self.in_rows => Origin::Lanes,
                _ if instruction.guard.is_none() => Origin::Warp,
                _ => Origin::Sources,
            },
            Code::Load => match tables.accesses[usize::from(instruction.m)].space {
                // A generic address may be one of local memory, which every lane has of its own.
                Space::Local | Space::Generic | Space::Argument => Origin::Lanes,
                Space::Global | Space::Const | Space::Shared | Space::Param => Origin::Sources,
            },
            Code::PredMov
            | Code::PredNot
            | Code::PredAnd
            | Code::PredOr
            | Code::PredXor
            | Code::Lop3
            | Code::Video
            | Code::Convert => Origin::Sources,
            code if code.row().is_some() => Origin::Sources,
            _ => Origin::Lanes,
        }
    }

    /// Marks what lanes that part at the end of a block bring to where they meet.
    fn part(&mut self, block: &Block, blocks: &[Block], live: &Liveness) -> bool {
        let sides = [block.target, block.next].map(|side| reach(side, block.reconverge, blocks));
        let mut written = Set::new(self.numbering.total());
        for inside in sides[0].members().chain(sides[1].members()) {
            written.extend(&live.writes[inside]);
        }
        let meets =
            |b: usize| sides[0].contains(b) && sides[1].contains(b) || b as BlockId == block.reconverge;
        let mut grown = false;
        for meeting in (0..blocks.len()).filter(|b| meets(*b)) {
            let mut brought = live.into[meeting].clone();
            brought.keep(&written);
            grown |= self.registers.extend(&brought);
        }
        grown
    }
}

/// The blocks that can be reached from one without passing `end`.
fn reach(from: BlockId, end: BlockId, blocks: &[Block]) -> Set {
    let mut seen = Set::new(blocks.len());
    let mut stack = vec![from];
    while let Some(at) = stack.pop() {
        if at == NO_BLOCK || at == end || seen.contains(at as usize) {
            continue;
        }
        seen.insert(at as usize);
        stack.extend([blocks[at as usize].target, blocks[at as usize].next]);
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Program, registers::File};

    /// The uniformity of what each store of a kernel stores, in order.
    fn stored(body: &str) -> Vec<Uniformity> {
        let text = format!(
            ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 out) {{
            .reg .pred %p<4>; .reg .b32 %r<16>; .reg .b64 %rd<4>;
            ld.param.u64 %rd1, [out];\n{body}\nret;\n}}"
        );
        let program = Program::load(&text).unwrap();
        let kernel = program.kernel("k").unwrap();
        let stores = kernel.code.iter().filter(|instruction| instruction.code == Code::Store);
        let slot = |store: &Instruction| kernel.tables.accesses[usize::from(store.m)].places[0].slot;
        stores.map(|store| kernel.slots.uniformity(File::Narrow, slot(store))).collect()
    }

    #[test]
    fn what_comes_from_uniform_sources_is_uniform() {
        let found = stored(
            "mov.u32 %r1, %ctaid.x; mad.lo.u32 %r2, %r1, 7, %r1; ld.global.u32 %r3, [%rd1];
            mov.u32 %r4, %tid.x; add.u32 %r5, %r4, %r2; mov.u32 %r6, %tid.y;
            cvt.u64.u32 %rd2, %r4; add.u64 %rd2, %rd1, %rd2; ld.global.u32 %r7, [%rd2];
            st.global.u32 [%rd1], %r2; st.global.u32 [%rd1], %r3; st.global.u32 [%rd1], %r5;
            st.global.u32 [%rd1], %r6; st.global.u32 [%rd1], %r7; st.global.u32 [%rd1], 5;",
        );
        use Uniformity::{Always, Constant, InRows, Never};
        assert_eq!(found, [Always, Always, Never, InRows, Never, Constant]);
    }

    #[test]
    fn lanes_that_parted_bring_what_differs_to_where_they_meet() {
        let body = |condition: &str| {
            format!(
                "mov.u32 %r1, {condition}; setp.lt.u32 %p1, %r1, 7; mov.u32 %r2, 1; mov.u32 %r3, %ctaid.x;
                @%p1 bra A; add.u32 %r2, %r3, 2; add.u32 %r4, %r3, 1; st.global.u32 [%rd1], %r4;
                A: st.global.u32 [%rd1], %r2; st.global.u32 [%rd1], %r3;"
            )
        };
        use Uniformity::{Always, Never};
        assert_eq!(stored(&body("%tid.x")), [Always, Never, Always]);
        assert_eq!(stored(&body("%ctaid.y")), [Always; 3]);
    }

    #[test]
    fn a_loop_that_lanes_leave_one_by_one_makes_its_results_vary() {
        let body = |bound: &str| {
            format!(
                "mov.u32 %r1, 0; mov.u32 %r2, {bound};
                L: add.u32 %r1, %r1, 1; st.global.u32 [%rd1], %r1; setp.lt.u32 %p1, %r1, %r2; @%p1 bra L;
                st.global.u32 [%rd1], %r1;"
            )
        };
        assert_eq!(stored(&body("%tid.x")), [Uniformity::Never; 2]);
        assert_eq!(stored(&body("%nctaid.x")), [Uniformity::Always; 2]);
    }
}
