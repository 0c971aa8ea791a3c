//! Products in double precision.

use crate::{
    instruction::Product,
    level::Level,
    registers::{Element, FULL, LANES, Registers},
};

/// A product of `f64` fragments: a register of a factor holds 8 rows of 4 elements.
#[inline(always)]
pub(super) fn multiply<L: Level>(level: L, registers: &mut Registers, product: &Product) {
    let (rows, depth) = (usize::from(product.rows), usize::from(product.depth));
    let mut results = [[0f64; LANES]; 8];
    for block in 0..rows {
        let sums = [0, 1].map(|k| f64::fetch(level, registers, product.c[2 * block + k]));
        for (odd, mut sum) in sums.into_iter().enumerate() {
            for j in 0..depth {
                let a = f64::fetch(level, registers, product.a[block + rows * j]);
                let b = f64::fetch(level, registers, product.b[j]);
                for t in 0..4 {
                    for i in 0..LANES {
                        // Lane 4g + t of the result has row g, column 2t.
                        let column = 2 * (i % 4) + odd;
                        sum[i] = a[i / 4 * 4 + t].mul_add(b[4 * column + t], sum[i]);
                    }
                }
            }
            results[2 * block + odd] = sum;
        }
    }
    for (slot, lanes) in product.d.iter().zip(&results).take(2 * rows) {
        f64::store(level, registers, *slot, FULL, lanes);
    }
}
