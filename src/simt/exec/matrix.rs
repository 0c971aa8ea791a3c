//! Matrix products of a warp: `mma` and `wmma.mma`.
//!
//! Factors of up to 19 bits become single-precision numbers, whose products are exact, and every element of the result
//! is a chain of fused multiply-adds from the addend on, in order of the inner index: rounded once a step to nearest
//! even, the same on every CPU. (A GPU leaves the order and the rounding open.) Sums of 8-bit integers are exact, and
//! `f64` is computed in `f64`. A half-precision result is rounded once, at the end.
//!
//! A fragment's register, 32 lanes, is 8 rows of a matrix as it lies in memory ([`Product`]), so nothing is moved but the
//! columns of `b`: an `m16n8k16` on halves costs about 300 AVX2 instructions for its 4096 operations.

mod double;
mod quad_pairs;
mod widen;

use super::Context;
use crate::{
    instruction::{Factor, Instruction, Layout, Product, Sum},
    lane::{
        float,
        half::{F16, Half},
    },
    level::Level,
    registers::{Element, FULL, LANES, Registers},
    trap::{Step, Stop, TrapKind},
    warp::Warp,
};
use widen::widen;

/// Checks that all 32 lanes of the warp execute an instruction that they only can execute together.
#[inline(always)]
pub(super) fn whole_warp(mask: u32) -> Step {
    if mask == FULL { Ok(()) } else { Err(part_of_warp(mask)) }
}

#[cold]
#[inline(never)]
fn part_of_warp(mask: u32) -> Box<Stop> {
    let detail = format!("all 32 lanes of a warp must execute this together; lanes {mask:#010x} do");
    Stop::trap(TrapKind::InvalidMembers, mask, detail)
}

/// `mma` and `wmma.mma`
#[inline(never)]
pub(super) fn multiply<L: Level>(
    level: L,
    context: &Context<'_>,
    warp: &mut Warp,
    mask: u32,
    instruction: &Instruction,
) -> Step {
    whole_warp(mask)?;
    let product = &context.kernel.tables.products[usize::from(instruction.m)];
    level.vectorize(
        #[inline(always)]
        || match (product.layout, product.a_type.packed()) {
            (Layout::QuadPairs { a_by_rows, b_by_rows }, _) => {
                quad_pairs::multiply(level, &mut warp.registers, product, a_by_rows, b_by_rows);
            }
            _ if product.a_type == Factor::F64 => double::multiply(level, &mut warp.registers, product),
            (_, 1) => blocks::<L, 1>(level, &mut warp.registers, product),
            (_, 2) => blocks::<L, 2>(level, &mut warp.registers, product),
            _ => blocks::<L, 4>(level, &mut warp.registers, product),
        },
    );
    Ok(())
}

/// A product in the layout by blocks, `P` elements a register. All registers are read before one is written.
#[inline(always)]
fn blocks<L: Level, const P: usize>(level: L, registers: &mut Registers, product: &Product) {
    let (rows, columns) = (usize::from(product.rows), usize::from(product.columns));
    let depth = usize::from(product.depth).min(2);
    let mut results = [[0u32; LANES]; 8];
    let wide = product.d_type.registers() as usize;
    for column in 0..columns {
        let mut b = [[0f32; 8]; 32];
        for j in 0..depth {
            let lanes = u32::fetch(level, registers, product.b[j + depth * column]);
            let parts = widen::<P>(product.b_type, &lanes);
            for s in 0..P {
                let columns = level.quads(&parts[s]);
                for t in 0..4 {
                    b[4 * P * j + P * t + s] = columns[t];
                }
            }
        }
        for row in 0..rows {
            let mut a = [[0f32; LANES]; 8];
            for j in 0..depth {
                let lanes = u32::fetch(level, registers, product.a[row + rows * j]);
                a[P * j..P * j + P].copy_from_slice(&widen::<P>(product.a_type, &lanes));
            }
            let block = row + rows * column;
            let mut sum = addend(level, registers, product, block);
            level.multiply::<P>(&a[..P * depth], &b[..4 * P * depth], &mut sum);
            let done = result(level, registers, product, block, &sum);
            results[wide * block..][..wide].copy_from_slice(&done[..wide]);
        }
    }
    for (slot, lanes) in product.d.iter().zip(&results).take(wide * rows * columns) {
        u32::store(level, registers, *slot, FULL, lanes);
    }
}

/// Even and odd columns of 8 rows as two registers, next to each other as [`Tiles::quads`](crate::level::Tiles::quads)
/// leaves the columns of `b`.
#[inline(always)]
fn join(even: &[f32; LANES], odd: &[f32; LANES]) -> [[f32; 8]; 8] {
    let mut rows = [[0.0; 8]; 8];
    for g in 0..8 {
        for t in 0..4 {
            rows[g][t] = even[4 * g + t];
            rows[g][4 + t] = odd[4 * g + t];
        }
    }
    rows
}

/// What a block's sums start from. Integers are added at the end: a sum of 32 products of bytes is exact, one with a
/// 32-bit addend is not.
#[inline(always)]
fn addend<L: Level>(level: L, registers: &Registers, product: &Product, block: usize) -> [[f32; 8]; 8] {
    match product.c_type {
        Sum::F32 => {
            let even = f32::fetch(level, registers, product.c[2 * block]);
            let odd = f32::fetch(level, registers, product.c[2 * block + 1]);
            join(&even, &odd)
        }
        Sum::F16 => {
            let lanes = u32::fetch(level, registers, product.c[block]);
            let [even, odd] = widen::<2>(Factor::F16, &lanes);
            join(&even, &odd)
        }
        Sum::S32 | Sum::F64 => [[0.0; 8]; 8],
    }
}

/// The registers of a block's result: one of halves, else two.
#[inline(always)]
fn result<L: Level>(
    level: L,
    registers: &Registers,
    product: &Product,
    block: usize,
    sum: &[[f32; 8]; 8],
) -> [[u32; LANES]; 2] {
    let mut parts = [[0f32; LANES]; 2];
    for g in 0..8 {
        for t in 0..4 {
            parts[0][4 * g + t] = sum[g][t];
            parts[1][4 * g + t] = sum[g][4 + t];
        }
    }
    let mut lanes = [[0; LANES]; 2];
    match product.d_type {
        Sum::F32 | Sum::F64 => {
            for k in 0..2 {
                for i in 0..LANES {
                    lanes[k][i] = float::canonical(parts[k][i]).to_bits();
                }
            }
        }
        Sum::F16 => {
            for i in 0..LANES {
                let [low, high] = [parts[0][i], parts[1][i]].map(|x| u32::from(F16::from_f32(x).0));
                lanes[0][i] = low | high << 16;
            }
        }
        Sum::S32 => {
            for k in 0..2 {
                let addend = i32::fetch(level, registers, product.c[2 * block + k]);
                for i in 0..LANES {
                    let products = parts[k][i] as i32;
                    let wrapped = addend[i].wrapping_add(products);
                    let clamped = addend[i].saturating_add(products);
                    lanes[k][i] = if product.saturate { clamped } else { wrapped } as u32;
                }
            }
        }
    }
    lanes
}
