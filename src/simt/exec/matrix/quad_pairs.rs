//! `mma.m8n8k4` on halves, as Volta's tensor cores had it: four products of 8 by 8 by 4 at once.
//!
//! Lanes `4q` to `4q + 3` and `4q + 16` to `4q + 19` compute the product `q`. Kept simple: newer GPUs emulate it too.

use super::widen::widen;
use crate::{
    instruction::{Factor, Product, Sum},
    lane::{
        float,
        half::{F16, Half},
    },
    level::Level,
    registers::{Element, FULL, LANES, Registers},
};

/// Row and column of the element `i` that a lane holds of the addend or the result.
fn place(sum: Sum, lane: usize, i: usize) -> (usize, usize) {
    let below = 4 * (lane / 16);
    match sum {
        Sum::F16 => (lane % 4 + below, i),
        _ => ((lane & 1) + (i & 2) + below, (i & 4) + (lane & 2) + (i & 1)),
    }
}

/// All four products.
pub(super) fn multiply<L: Level>(
    level: L,
    registers: &mut Registers,
    product: &Product,
    a_by_rows: bool,
    b_by_rows: bool,
) {
    let fetch = |slot| u32::fetch(level, registers, slot);
    let factor = |slots: &[u16; 8]| {
        let [first, second] = [slots[0], slots[1]].map(|slot| widen::<2>(Factor::F16, &fetch(slot)));
        move |lane: usize, i: usize| if i < 2 { first[i][lane] } else { second[i - 2][lane] }
    };
    let (a, b) = (factor(&product.a), factor(&product.b));
    let halves = product.c_type == Sum::F16;
    let addends: [[u32; LANES]; 8] =
        std::array::from_fn(|k| if halves && k > 3 { [0; LANES] } else { fetch(product.c[k]) });
    let addend = |lane: usize, i: usize| match product.c_type {
        Sum::F16 => F16((addends[i / 2][lane] >> (16 * (i % 2))) as u16).to_f32(),
        _ => f32::from_bits(addends[i][lane]),
    };
    let mut results = [[0u32; LANES]; 8];
    for q in 0..4 {
        // Lane `i` of the eight: the first four hold the upper rows.
        let lane_of = |i: usize| 4 * q + i % 4 + 16 * (i / 4);
        // Of factors laid out along the inner dimension each lane has a row; else a column of half the rows.
        let element = |by_rows: bool, f: &dyn Fn(usize, usize) -> f32, row: usize, k: usize| {
            if by_rows { f(lane_of(row), k) } else { f(lane_of(row / 4 * 4 + k), row % 4) }
        };
        let mut sums = [[0f32; 8]; 8];
        for lane in (0..8).map(lane_of) {
            for i in 0..8 {
                let (row, column) = place(product.c_type, lane, i);
                sums[row][column] = addend(lane, i);
            }
        }
        for (row, sums) in sums.iter_mut().enumerate() {
            for (column, sum) in sums.iter_mut().enumerate() {
                for k in 0..4 {
                    // A lane has a column of `b` where that one is by columns.
                    *sum = element(a_by_rows, &a, row, k).mul_add(element(!b_by_rows, &b, column, k), *sum);
                }
            }
        }
        for lane in (0..8).map(lane_of) {
            for i in 0..8 {
                let (row, column) = place(product.d_type, lane, i);
                match product.d_type {
                    Sum::F16 => {
                        let half = F16::from_f32(sums[row][column]).0;
                        results[i / 2][lane] |= u32::from(half) << (16 * (i % 2));
                    }
                    _ => results[i][lane] = float::canonical(sums[row][column]).to_bits(),
                }
            }
        }
    }
    let used = if product.d_type == Sum::F16 { 4 } else { 8 };
    for (slot, lanes) in product.d.iter().zip(&results).take(used) {
        u32::store(level, registers, *slot, FULL, lanes);
    }
}
