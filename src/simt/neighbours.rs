//! Brings loads of neighbouring words together, so that the executor can do them as one.
//!
//! Compilers unroll loops into loads of `[p]`, `[p+4]`, `[p+8]` with arithmetic in between. Where every lane's four words
//! are anywhere in memory, one access for all of them costs a fourth. Within a block such loads move up to the first of
//! them, past instructions that no load can tell from others: never past a store, an atomic or a fence.

use crate::{
    cfg::Block,
    instruction::{Access, Instruction, Space, Tables, Touch},
    isa::Code,
    registers::{File, Slot},
};

/// Bytes that one access covers at most.
const WINDOW: u64 = 16;

/// How far down a block loads are looked for.
const REACH: usize = 64;

/// Reorders code and marks the first of each group of neighbours in its access. Gives the order: for each place the
/// instruction that came there.
pub(crate) fn gather(code: &mut [Instruction], tables: &mut Tables, blocks: &[Block]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..code.len()).collect();
    for block in blocks {
        let mut at = block.first as usize;
        let end = block.end as usize;
        while at < end {
            let count = group(code, tables, &mut order, at, end);
            if count > 1 {
                tables.accesses[usize::from(code[order[at]].m)].neighbours = count as u8;
            }
            at += count.max(1);
        }
    }
    let before = code.to_vec();
    for (instruction, from) in code.iter_mut().zip(&order) {
        *instruction = before[*from];
    }
    order
}

/// The access of a load of one word a lane that may move and be moved past.
fn word<'a>(instruction: &Instruction, tables: &'a Tables) -> Option<&'a Access> {
    let access =
        tables.accesses.get(usize::from(instruction.m)).filter(|_| instruction.code == Code::Load)?;
    let fits = instruction.guard.is_none()
        && access.is_words
        && access.count == 1
        && !access.strong
        && matches!(access.space, Space::Global | Space::Shared);
    fits.then_some(access)
}

/// Moves the neighbours of the load `at` up to it; gives how many there are with it.
fn group(code: &[Instruction], tables: &mut Tables, order: &mut [usize], at: usize, end: usize) -> usize {
    let Some(first) = word(&code[order[at]], tables).copied() else { return 0 };
    let place = (first.places[0].file, first.places[0].slot);
    let address = (if first.wide { File::Wide } else { File::Narrow }, first.address);
    if place == address {
        return 0;
    }
    let (mut low, mut high) = (first.offset as i64, first.offset as i64);
    // What instructions between here and a load touch: the load may not write it any earlier.
    let mut touched: Vec<(File, Slot)> = vec![place];
    let mut count = 1;
    for from in at + 1..end.min(at + REACH) {
        if count as u64 == WINDOW / 4 {
            break;
        }
        let instruction = code[order[from]];
        if let Some(access) = word(&instruction, tables) {
            let place = (access.places[0].file, access.places[0].slot);
            let offset = access.offset as i64;
            let (new_low, new_high) = (low.min(offset), high.max(offset));
            let near = new_high.abs_diff(new_low) < WINDOW && new_high.abs_diff(new_low) % 4 == 0;
            let same_base =
                (access.address, access.wide, access.space) == (first.address, first.wide, first.space);
            if same_base && near && place != address && !touched.contains(&place) {
                (low, high) = (new_low, new_high);
                touched.push(place);
                order[at + count..=from].rotate_right(1);
                count += 1;
                continue;
            }
        } else if instruction.code.row().is_none() && !is_harmless(instruction.code) {
            break;
        }
        let mut copy = instruction;
        let mut ends = false;
        copy.visit(tables, &mut |how, file, slot: &mut Slot| {
            ends |= how == Touch::Write && (file, *slot) == address;
            touched.push((file, *slot));
        });
        if ends {
            break;
        }
    }
    count
}

/// Whether a load may move past an operation that is not in the table: it touches nothing but registers.
fn is_harmless(code: Code) -> bool {
    matches!(
        code,
        Code::PredMov
            | Code::PredNot
            | Code::PredAnd
            | Code::PredOr
            | Code::PredXor
            | Code::Lop3
            | Code::Video
            | Code::Convert
    )
}

#[cfg(test)]
mod tests {
    use crate::{Program, isa::Code};

    /// For each load of a kernel, in the order it is executed in, its line and how many neighbours it begins.
    fn loads(body: &str) -> Vec<(u32, u8)> {
        let text = format!(
            ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 p) {{ \
            .reg .b32 %r<16>; .reg .b64 %rd<4>; ld.param.u64 %rd1, [p]; {body} st.global.u32 [%rd1], %r1; ret; }}"
        );
        let program = Program::load(&text).unwrap();
        let kernel = program.kernel("k").unwrap();
        let all = kernel.code.iter().zip(&kernel.lines);
        let loads = all.filter(|(instruction, _)| instruction.code == Code::Load).skip(1);
        let access = |m: u16| kernel.tables.accesses[usize::from(m)].neighbours;
        loads.map(|(instruction, line)| (*line, access(instruction.m))).collect()
    }

    #[test]
    fn loads_of_a_window_come_together() {
        let found = loads(
            "ld.global.u32 %r1, [%rd1];
            add.u32 %r5, %r1, 1;
            ld.global.u32 %r2, [%rd1+8];
            ld.global.u32 %r3, [%rd1+16];
            ld.global.u32 %r4, [%rd1+4];",
        );
        assert_eq!(found, [(4, 3), (6, 1), (8, 1), (7, 1)]);
    }

    #[test]
    fn offsets_may_be_negative() {
        let found = loads(
            "ld.global.u32 %r1, [%rd1+-8];
            ld.global.u32 %r2, [%rd1+-4];
            ld.global.u32 %r3, [%rd1];
            ld.global.u32 %r4, [%rd1+4];",
        );
        assert_eq!(found, [(4, 4), (5, 1), (6, 1), (7, 1)]);
    }

    #[test]
    fn nothing_moves_past_a_store_a_new_address_or_a_use() {
        for between in [
            "st.global.u32 [%rd1], %r2;",
            "add.u64 %rd1, %rd1, 4;",
            "add.u32 %r5, %r3, 1;",
            "mov.u32 %r3, 7;",
            "membar.gl;",
        ] {
            let found = loads(&format!("ld.global.u32 %r1, [%rd1]; {between} ld.global.u32 %r3, [%rd1+4];"));
            assert!(found.iter().all(|(_, neighbours)| *neighbours == 1), "{between}");
        }
        let volatile = loads("ld.global.u32 %r1, [%rd1]; ld.volatile.global.u32 %r3, [%rd1+4];");
        assert!(volatile.iter().all(|(_, neighbours)| *neighbours == 1));
    }
}
