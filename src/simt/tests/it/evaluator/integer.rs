//! Integer and bit operations as the ISA words them, on wide signed integers and bit by bit.

/// The low `bits` bits.
pub(crate) fn mask(value: u128, bits: u32) -> u128 {
    if bits >= 128 { value } else { value & ((1 << bits) - 1) }
}

/// As a number of a type: `u32`, `s16`, `b64`.
pub(crate) fn number(ty: &str, bits: u128) -> i128 {
    let width: u32 = ty[1..].parse().unwrap();
    let value = mask(bits, width) as i128;
    if ty.starts_with('s') && value >> (width - 1) & 1 != 0 { value - (1 << width) } else { value }
}

/// Least and greatest of a type.
pub(crate) fn range(ty: &str) -> (i128, i128) {
    let width: u32 = ty[1..].parse().unwrap();
    if ty.starts_with('s') { (-(1 << (width - 1)), (1 << (width - 1)) - 1) } else { (0, (1 << width) - 1) }
}

fn bit(value: u128, at: i128) -> u128 {
    if (0..128).contains(&at) { value >> at & 1 } else { 0 }
}

/// The result's bits, not yet cut to its width. `m` are the modifiers, `ty` the type, `a` the operands' bits.
pub(crate) fn evaluate(op: &str, m: &[&str], ty: &str, a: &[u128]) -> Option<u128> {
    let has = |modifier: &str| m.contains(&modifier);
    let width: u32 = ty[1..].parse().ok()?;
    let w = i128::from(width);
    let n = |i: usize| number(ty, a[i]);
    let u = |i: usize| mask(a[i], width);
    // 32-bit operands whatever the type: shift amounts, positions, lengths.
    let amount = |i: usize| mask(a[i], 32) as i128;
    let (least, greatest) = range(ty);
    let saturated = |value: i128| if has("sat") { value.clamp(least, greatest) } else { value };
    let relu = |value: i128| if has("relu") { value.max(0) } else { value };
    let product = || n(0).wrapping_mul(n(1));
    let picked = |product: i128| if has("hi") { product >> width } else { product };
    let low24 = |i: usize| {
        let cut = mask(a[i], 24) as i128;
        if ty == "s32" && cut >> 23 != 0 { cut - (1 << 24) } else { cut }
    };
    let picked24 = |product: i128| if has("hi") { product >> 16 } else { product };
    let highest = || {
        let value = if n(0) < 0 { !n(0) } else { n(0) };
        (0..w).rev().find(|i| value >> i & 1 != 0)
    };
    let value: i128 = match op {
        "add" => saturated(n(0) + n(1)),
        "sub" => saturated(n(0) - n(1)),
        // The product of two 64-bit numbers fits where one is signed or it is kept as bits.
        "mul" if ty == "u64" => picked_u64(a, has("hi")),
        "mul" if has("wide") => product(),
        "mul" => picked(product()),
        "mad" if ty == "u64" => picked_u64(a, has("hi")).wrapping_add(n(2)),
        "mad" if has("wide") => {
            let wide = format!("{}{}", &ty[..1], 2 * width);
            product().wrapping_add(number(&wide, a[2]))
        }
        "mad" => saturated(if has("sat") {
            picked(product()) + n(2)
        } else {
            picked(product()).wrapping_add(n(2))
        }),
        "mul24" => picked24(low24(0) * low24(1)),
        "mad24" => {
            let sum = number(ty, picked24(low24(0) * low24(1)) as u128) + n(2);
            saturated(sum)
        }
        "sad" => n(2) + (n(0) - n(1)).abs(),
        // Not defined by the ISA for a divisor of zero: all ones, and the dividend, as documented.
        "div" => {
            if n(1) == 0 {
                -1
            } else {
                n(0) / n(1)
            }
        }
        "rem" => {
            if n(1) == 0 {
                n(0)
            } else {
                n(0) % n(1)
            }
        }
        "neg" => -n(0),
        "abs" => n(0).abs(),
        "min" => relu(n(0).min(n(1))),
        "max" => relu(n(0).max(n(1))),
        "and" => (u(0) & u(1)) as i128,
        "or" => (u(0) | u(1)) as i128,
        "xor" => (u(0) ^ u(1)) as i128,
        "not" => !(u(0) as i128),
        "cnot" => i128::from(u(0) == 0),
        "shl" => {
            if amount(1) >= w {
                0
            } else {
                (u(0) << amount(1)) as i128
            }
        }
        "shr" => n(0) >> amount(1).min(w),
        "shf" => {
            let by = if has("wrap") { amount(2) & 31 } else { amount(2).min(32) };
            let whole = mask(a[1], 32) << 32 | mask(a[0], 32);
            if has("l") { (whole << by >> 32) as i128 } else { (whole >> by) as i128 }
        }
        "bfe" => {
            let (pos, len) = (amount(1) & 0xff, amount(2) & 0xff);
            let sign =
                if ty.starts_with('u') || len == 0 { 0 } else { bit(u(0), (pos + len - 1).min(w - 1)) };
            (0..w).fold(0u128, |d, i| {
                let inside = i < len && pos + i < w;
                d | (if inside { bit(u(0), pos + i) } else { sign }) << i
            }) as i128
        }
        "bfi" => {
            let (pos, len) = (amount(2) & 0xff, amount(3) & 0xff);
            (0..w).fold(0u128, |d, i| {
                let from_field = i >= pos && i < pos + len;
                d | (if from_field { bit(u(0), i - pos) } else { bit(u(1), i) }) << i
            }) as i128
        }
        "brev" => (0..w).fold(0u128, |d, i| d | bit(u(0), w - 1 - i) << i) as i128,
        "popc" => (0..w).map(|i| bit(u(0), i)).sum::<u128>() as i128,
        "clz" => (0..w).rev().take_while(|i| bit(u(0), *i) == 0).count() as i128,
        "bfind" => match highest() {
            None => -1,
            Some(at) if has("shiftamt") => w - 1 - at,
            Some(at) => at,
        },
        "fns" => {
            let (base, offset) = (amount(1) & 31, number("s32", a[2]));
            let mut found = -1;
            if offset == 0 {
                found = if bit(u(0), base) == 1 { base } else { -1 };
            } else {
                let (mut pos, mut count) = (base, offset.abs() - 1);
                while (0..32).contains(&pos) {
                    if bit(u(0), pos) == 1 {
                        if count == 0 {
                            found = pos;
                            break;
                        }
                        count -= 1;
                    }
                    pos += offset.signum();
                }
            }
            found
        }
        "szext" => {
            let (b1, too_large) = (amount(1) & 31, amount(1) >= 32 && has("clamp"));
            let mask = if too_large { 0 } else { (-1i128) << b1 };
            let negative = b1 != 0 && !too_large && ty == "s32" && bit(u(0), b1 - 1) == 1;
            (u(0) as i128 & !mask) | if negative { mask } else { 0 }
        }
        "bmsk" => {
            let (a1, b1) = (amount(0) & 31, amount(1) & 31);
            let (far, long) = (has("clamp") && amount(0) >= 32, has("clamp") && amount(1) >= 32);
            let mask0 = if far { 0 } else { (-1i128) << a1 };
            let sum = a1 + b1;
            let mask1 = if sum >= 32 || far || long {
                0
            } else if b1 == 0 {
                -1
            } else {
                (-1i128) << sum
            };
            mask0 & !mask1
        }
        "prmt" => permute(m, a) as i128,
        "lop3" => {
            let table = a[3];
            (0..32).fold(0u128, |d, i| {
                let index = bit(a[0], i) << 2 | bit(a[1], i) << 1 | bit(a[2], i);
                d | (table >> index & 1) << i
            }) as i128
        }
        "slct" => unreachable!("compared as what its third operand is"),
        _ => return None,
    };
    Some(value as u128)
}

/// A product of two unsigned 64-bit numbers, cut.
fn picked_u64(a: &[u128], hi: bool) -> i128 {
    let product = mask(a[0], 64) * mask(a[1], 64);
    (if hi { product >> 64 } else { mask(product, 64) }) as i128
}

/// `prmt`, byte by byte.
fn permute(m: &[&str], a: &[u128]) -> u128 {
    let bytes = mask(a[1], 32) << 32 | mask(a[0], 32);
    let byte = move |i: u128| bytes >> (8 * (i & 7)) & 0xff;
    let c = a[2] & 3;
    let pick: Box<dyn Fn(u128) -> u128> = match m.last().copied() {
        Some("f4e") => Box::new(move |i| byte(c + i)),
        Some("b4e") => Box::new(move |i| byte(8 + c - i)),
        Some("rc8") => Box::new(move |_| byte(c)),
        Some("ecl") => Box::new(move |i| byte(c.max(i))),
        Some("ecr") => Box::new(move |i| byte(c.min(i))),
        Some("rc16") => Box::new(move |i| byte((c & 1) * 2 + (i & 1))),
        _ => {
            let selector = a[2];
            Box::new(move |i| {
                let nibble = selector >> (4 * i) & 0xf;
                let value = byte(nibble);
                if nibble & 8 == 0 {
                    value
                } else if value & 0x80 != 0 {
                    0xff
                } else {
                    0
                }
            })
        }
    };
    (0..4).fold(0, |d, i| d | pick(i) << (8 * i))
}

/// `dp4a` and `dp2a`: the types of both vectors, whether the upper half of `b` is meant.
pub(crate) fn dot(op: &str, a_type: &str, b_type: &str, hi: bool, a: &[u128]) -> u128 {
    let part =
        |ty: &str, word: u128, i: u32, bits: u32| number(&format!("{}{bits}", &ty[..1]), word >> (i * bits));
    let sum: i128 = if op == "dp4a" {
        (0..4).map(|i| part(a_type, a[0], i, 8) * part(b_type, a[1], i, 8)).sum()
    } else {
        let first = if hi { 2 } else { 0 };
        (0..2).map(|i| part(a_type, a[0], i, 16) * part(b_type, a[1], first + i, 8)).sum()
    };
    (sum + a[2] as i128) as u128
}

/// `cvt.pack`
pub(crate) fn pack(to: &str, a: &[u128]) -> u128 {
    let width: u32 = to[1..].parse().unwrap();
    let (least, greatest) = range(to);
    let clamped = |i: usize| mask(number("s32", a[i]).clamp(least, greatest) as u128, width);
    let rest = if width == 16 { 0 } else { a[2] << (2 * width) };
    mask(rest | clamped(0) << width | clamped(1), 32)
}
