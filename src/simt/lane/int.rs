//! Integer and bit operations of one lane that Rust has no operator for.

/// `div.u32`. Division by zero gives all ones, which is what GPUs give; the ISA leaves it open.
#[inline(always)]
pub(crate) fn div_u32(a: u32, b: u32) -> u32 {
    // The quotient of 32-bit integers in double precision truncates exactly, and it vectorises.
    let quotient = (f64::from(a) / f64::from(b)) as u32;
    if b == 0 { u32::MAX } else { quotient }
}

/// `rem.u32`; the remainder by zero is the dividend.
#[inline(always)]
pub(crate) fn rem_u32(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { a.wrapping_sub(div_u32(a, b).wrapping_mul(b)) }
}

/// `div.s32`; by zero −1, and the least integer by −1 is itself.
#[inline(always)]
pub(crate) fn div_i32(a: i32, b: i32) -> i32 {
    let quotient = (f64::from(a) / f64::from(b)) as i64 as i32;
    if b == 0 { -1 } else { quotient }
}

/// `rem.s32`, with the dividend's sign.
#[inline(always)]
pub(crate) fn rem_i32(a: i32, b: i32) -> i32 {
    if b == 0 { a } else { a.wrapping_sub(div_i32(a, b).wrapping_mul(b)) }
}

/// `div.u64`
#[inline(always)]
pub(crate) fn div_u64(a: u64, b: u64) -> u64 {
    a.checked_div(b).unwrap_or(u64::MAX)
}

/// `rem.u64`
#[inline(always)]
pub(crate) fn rem_u64(a: u64, b: u64) -> u64 {
    a.checked_rem(b).unwrap_or(a)
}

/// `div.s64`
#[inline(always)]
pub(crate) fn div_i64(a: i64, b: i64) -> i64 {
    if b == 0 { -1 } else { a.wrapping_div(b) }
}

/// `rem.s64`
#[inline(always)]
pub(crate) fn rem_i64(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { a.wrapping_rem(b) }
}

/// Shifts that clamp: by the width or more, everything is shifted out.
macro_rules! shifts {
    ($unsigned:ty, $signed:ty, $shl:ident, $shr:ident, $sar:ident) => {
        /// `shl`
        #[inline(always)]
        pub(crate) fn $shl(a: $unsigned, by: u32) -> $unsigned {
            let shifted = a.wrapping_shl(by);
            if by < <$unsigned>::BITS { shifted } else { 0 }
        }

        /// `shr`, filling with zeros.
        #[inline(always)]
        pub(crate) fn $shr(a: $unsigned, by: u32) -> $unsigned {
            let shifted = a.wrapping_shr(by);
            if by < <$unsigned>::BITS { shifted } else { 0 }
        }

        /// `shr`, filling with the sign.
        #[inline(always)]
        pub(crate) fn $sar(a: $signed, by: u32) -> $signed {
            a.wrapping_shr(if by < <$unsigned>::BITS { by } else { <$unsigned>::BITS - 1 })
        }
    };
}

shifts!(u16, i16, shl_16, shr_16, sar_16);
shifts!(u32, i32, shl_32, shr_32, sar_32);
shifts!(u64, i64, shl_64, shr_64, sar_64);

/// `shf.l.clamp`: the high word of `{b, a} << min(by, 32)`.
#[inline(always)]
pub(crate) fn funnel_left(a: u32, b: u32, by: u32) -> u32 {
    ((u64::from(b) << 32 | u64::from(a)) << by >> 32) as u32
}

/// `shf.r.clamp`: the low word of `{b, a} >> min(by, 32)`.
#[inline(always)]
pub(crate) fn funnel_right(a: u32, b: u32, by: u32) -> u32 {
    ((u64::from(b) << 32 | u64::from(a)) >> by) as u32
}

/// Bit-field operations at one width.
macro_rules! bit_fields {
    ($unsigned:ty, $signed:ty, $bfe:ident, $bfe_signed:ident, $bfi:ident, $bfind:ident, $bfind_signed:ident) => {
        /// `bfe`, unsigned: `len` bits of `a` from `pos`, zero-extended.
        #[inline(always)]
        pub(crate) fn $bfe(a: $unsigned, pos: u32, len: u32) -> $unsigned {
            let (pos, len) = (pos & 0xff, len & 0xff);
            let shifted = if pos < <$unsigned>::BITS { a.wrapping_shr(pos) } else { 0 };
            if len < <$unsigned>::BITS { shifted & !(<$unsigned>::MAX.wrapping_shl(len)) } else { shifted }
        }

        /// `bfe`, signed: filled with the field's topmost bit, or `a`'s where the field reaches past it.
        #[inline(always)]
        pub(crate) fn $bfe_signed(a: $signed, pos: u32, len: u32) -> $signed {
            let (pos, len) = (pos & 0xff, len & 0xff);
            let bits = <$unsigned>::BITS;
            let end = pos + len;
            // Left so that the field's top is the sign, then right over its length.
            let up = if end < bits { bits - end } else { 0 };
            let down = if end < bits { bits - len } else { pos };
            let down = if down < bits { down } else { bits - 1 };
            let field = a.wrapping_shl(up).wrapping_shr(down);
            if len == 0 { 0 } else { field }
        }

        /// `bfi`: `len` bits of `a` put into `b` at `pos`.
        #[inline(always)]
        pub(crate) fn $bfi(a: $unsigned, b: $unsigned, pos: u32, len: u32) -> $unsigned {
            let (pos, len) = (pos & 0xff, len & 0xff);
            let ones = if len < <$unsigned>::BITS {
                !(<$unsigned>::MAX.wrapping_shl(len))
            } else {
                <$unsigned>::MAX
            };
            let field = if pos < <$unsigned>::BITS { ones.wrapping_shl(pos) } else { 0 };
            b & !field | a.wrapping_shl(pos) & field
        }

        /// `bfind`, unsigned: the position of the highest set bit, all ones where there is none.
        #[inline(always)]
        pub(crate) fn $bfind(a: $unsigned) -> u32 {
            (<$unsigned>::BITS - 1).wrapping_sub(a.leading_zeros())
        }

        /// `bfind`, signed: the highest bit that differs from the sign.
        #[inline(always)]
        pub(crate) fn $bfind_signed(a: $signed) -> u32 {
            $bfind((if a < 0 { !a } else { a }) as $unsigned)
        }
    };
}

bit_fields!(u32, i32, bfe_u32, bfe_s32, bfi_32, bfind_u32, bfind_s32);
bit_fields!(u64, i64, bfe_u64, bfe_s64, bfi_64, bfind_u64, bfind_s64);

/// `bfind.shiftamt`: how far to shift the found bit up to the top.
#[inline(always)]
pub(crate) fn shift_amount(position: u32, bits: u32) -> u32 {
    if position == u32::MAX { position } else { bits - 1 - position }
}

/// `prmt`: each nibble of the selector picks a byte of `{b, a}`, or with its top bit that byte's sign eight times.
#[inline(always)]
pub(crate) fn permute(a: u32, b: u32, selector: u32) -> u32 {
    let bytes = u64::from(b) << 32 | u64::from(a);
    let pick = |i: u32| {
        let nibble = selector >> (4 * i);
        let byte = (bytes >> (8 * (nibble & 7))) as u32 & 0xff;
        let sign = 0u32.wrapping_sub(byte >> 7) & 0xff;
        (if nibble & 8 == 0 { byte } else { sign }) << (8 * i)
    };
    pick(0) | pick(1) | pick(2) | pick(3)
}

/// The selector that `prmt`'s special modes stand for, from the two low bits of its third operand.
#[inline(always)]
pub(crate) fn permute_mode(mode: &[u16; 4], control: u32) -> u32 {
    u32::from(mode[(control & 3) as usize])
}

/// `.f4e`: four bytes from `control` on, upwards.
pub(crate) const F4E: [u16; 4] = [0x3210, 0x4321, 0x5432, 0x6543];
/// `.b4e`: four bytes from `control` on, downwards.
pub(crate) const B4E: [u16; 4] = [0x5670, 0x6701, 0x7012, 0x0123];
/// `.rc8`: one byte four times.
pub(crate) const RC8: [u16; 4] = [0x0000, 0x1111, 0x2222, 0x3333];
/// `.ecl`: edge clamp left.
pub(crate) const ECL: [u16; 4] = [0x3210, 0x3211, 0x3222, 0x3333];
/// `.ecr`: edge clamp right.
pub(crate) const ECR: [u16; 4] = [0x0000, 0x1110, 0x2210, 0x3210];
/// `.rc16`: one half twice.
pub(crate) const RC16: [u16; 4] = [0x1010, 0x3232, 0x1010, 0x3232];

/// Applies a function to the low and the high half; `u16x2`.
#[inline(always)]
pub(crate) fn pairwise(a: u32, b: u32, f: impl Fn(u16, u16) -> u16) -> u32 {
    let low = f(a as u16, b as u16);
    let high = f((a >> 16) as u16, (b >> 16) as u16);
    u32::from(low) | u32::from(high) << 16
}

/// As [`pairwise`], of signed halves; `s16x2`.
#[inline(always)]
pub(crate) fn pairwise_signed(a: u32, b: u32, f: impl Fn(i16, i16) -> i16) -> u32 {
    pairwise(a, b, |a, b| f(a as i16, b as i16) as u16)
}

/// `fns`: the position of the `offset`-th set bit of `mask` from bit `base` on, upwards or for a negative offset
/// downwards; all ones where there is none. Offset 0 asks for the bit at `base` itself.
#[inline(never)]
pub(crate) fn nth_set(mask: u32, base: u32, offset: i32) -> u32 {
    let base = base & 31;
    if offset == 0 {
        return if mask >> base & 1 != 0 { base } else { u32::MAX };
    }
    // Upwards in the mask, or upwards in its mirror image.
    let up = offset > 0;
    let (mask, base) = if up { (mask, base) } else { (mask.reverse_bits(), 31 - base) };
    let mut rest = mask >> base << base;
    for _ in 1..offset.unsigned_abs().min(33) {
        rest &= rest.wrapping_sub(1);
    }
    match (rest, rest.trailing_zeros()) {
        (0, _) => u32::MAX,
        (_, position) if up => position,
        (_, position) => 31 - position,
    }
}

/// `cvt.pack`: two words clamped to `bits` bits, the first above the second, and above both the low bits of `c`.
#[inline(always)]
pub(crate) fn pack(a: i32, b: i32, c: u32, bits: u32, signed: bool) -> u32 {
    let (least, greatest) =
        if signed { (-1 << (bits - 1), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) };
    let clamped = |x: i32| (x.max(least).min(greatest)) as u32 & ((1 << bits) - 1);
    c.checked_shl(2 * bits).unwrap_or(0) | clamped(a) << bits | clamped(b)
}

/// `lop3`: any function of three bits, as its truth table.
#[inline(always)]
pub(crate) fn lop3(a: u32, b: u32, c: u32, table: u16) -> u32 {
    let term = |bit: u32, minterm: u32| if table >> bit & 1 != 0 { minterm } else { 0 };
    term(0, !a & !b & !c)
        | term(1, !a & !b & c)
        | term(2, !a & b & !c)
        | term(3, !a & b & c)
        | term(4, a & !b & !c)
        | term(5, a & !b & c)
        | term(6, a & b & !c)
        | term(7, a & b & c)
}

/// The low 24 bits, zero-extended.
#[inline(always)]
pub(crate) fn low24(a: u32) -> u32 {
    a & 0x00ff_ffff
}

/// The low 24 bits, sign-extended.
#[inline(always)]
pub(crate) fn low24_signed(a: i32) -> i32 {
    a << 8 >> 8
}

/// A dot product of four bytes, each widened by `widen`, plus `c`; `dp4a`.
#[inline(always)]
pub(crate) fn dp4a(a: u32, b: u32, c: u32, widen_a: impl Fn(u8) -> i32, widen_b: impl Fn(u8) -> i32) -> u32 {
    let term = |i: u32| {
        let byte = |x: u32| (x >> (8 * i)) as u8;
        widen_a(byte(a)).wrapping_mul(widen_b(byte(b))) as u32
    };
    c.wrapping_add(term(0)).wrapping_add(term(1)).wrapping_add(term(2)).wrapping_add(term(3))
}

/// A dot product of two halves of `a` with two bytes of `b` from byte `first` on, plus `c`; `dp2a`.
#[inline(always)]
pub(crate) fn dp2a(
    a: u32,
    b: u32,
    c: u32,
    first: u32,
    widen_a: impl Fn(u16) -> i32,
    widen_b: impl Fn(u8) -> i32,
) -> u32 {
    let term =
        |i: u32| widen_a((a >> (16 * i)) as u16).wrapping_mul(widen_b((b >> (8 * (first + i))) as u8)) as u32;
    c.wrapping_add(term(0)).wrapping_add(term(1))
}

/// Sign or zero extension of a byte.
#[inline(always)]
pub(crate) fn signed8(x: u8) -> i32 {
    i32::from(x as i8)
}

/// `szext`, in clamp mode: the low `n` bits, extended.
#[inline(always)]
pub(crate) fn extend(a: u32, n: u32, signed: bool) -> u32 {
    let up = 32 - n.min(32);
    let moved = a.wrapping_shl(up);
    let value = if signed { (moved as i32).wrapping_shr(up) as u32 } else { moved.wrapping_shr(up) };
    if n == 0 { 0 } else { value }
}

/// `bmsk`, in clamp mode: `len` ones from bit `pos` on.
#[inline(always)]
pub(crate) fn bit_mask(pos: u32, len: u32) -> u32 {
    let ones = if len < 32 { !(u32::MAX.wrapping_shl(len)) } else { u32::MAX };
    if pos < 32 { ones.wrapping_shl(pos) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_truncates_exactly_at_the_edges() {
        let edges = [0, 1, 2, 3, 7, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_fffe, 0xffff_ffff];
        for a in edges {
            for b in edges {
                assert_eq!(div_u32(a, b), a.checked_div(b).unwrap_or(u32::MAX), "{a} / {b}");
                assert_eq!(rem_u32(a, b), a.checked_rem(b).unwrap_or(a), "{a} % {b}");
                let (s, t) = (a as i32, b as i32);
                assert_eq!(div_i32(s, t), if t == 0 { -1 } else { s.wrapping_div(t) }, "{s} / {t}");
                assert_eq!(rem_i32(s, t), if t == 0 { s } else { s.wrapping_rem(t) }, "{s} % {t}");
            }
        }
    }

    #[test]
    fn shifts_clamp_at_the_width() {
        assert_eq!([shl_32(1, 31), shl_32(1, 32), shl_32(1, u32::MAX)], [1 << 31, 0, 0]);
        assert_eq!([sar_32(-8, 1), sar_32(-8, 32), sar_32(i32::MIN, 99)], [-4, -1, -1]);
        assert_eq!([shr_16(0x8000, 15), shr_16(0x8000, 16)], [1, 0]);
        assert_eq!(shl_64(3, 63), 1 << 63);
        assert_eq!(funnel_left(0x8000_0000, 1, 1), 3);
        assert_eq!(funnel_left(7, 9, 32), 7);
        assert_eq!(funnel_right(7, 9, 32), 9);
    }

    /// The ISA's own pseudo-code for `bfe`.
    fn bfe_by_definition(a: u32, pos: u32, len: u32, signed: bool) -> u32 {
        let (pos, len, msb) = (pos & 0xff, len & 0xff, 31);
        let sign = if !signed || len == 0 { 0 } else { a >> (pos + len - 1).min(msb) & 1 };
        (0..=msb).fold(0, |d, i| {
            let bit = if i < len && pos + i <= msb { a >> (pos + i) & 1 } else { sign };
            d | bit << i
        })
    }

    #[test]
    fn bit_fields_follow_the_definition() {
        for a in [0, 1, 0x8000_0000, 0xdead_beef, 0x7fff_ffff, u32::MAX] {
            for pos in [0, 1, 7, 30, 31, 32, 33, 255, 256] {
                for len in [0, 1, 2, 8, 31, 32, 33, 255, 256] {
                    assert_eq!(
                        bfe_u32(a, pos, len),
                        bfe_by_definition(a, pos, len, false),
                        "{a:#x} {pos} {len}"
                    );
                    let signed = bfe_s32(a as i32, pos, len) as u32;
                    assert_eq!(signed, bfe_by_definition(a, pos, len, true), "{a:#x} {pos} {len}");
                }
            }
        }
        assert_eq!(bfi_32(0xf, 0, 4, 2), 0x30);
        assert_eq!(bfi_32(u32::MAX, 0, 28, 255), 0xf000_0000);
        assert_eq!(bfi_32(u32::MAX, 5, 32, 4), 5);
        assert_eq!(bfi_64(1, 0, 63, 1), 1 << 63);
        assert_eq!([bfind_u32(0), bfind_u32(1), bfind_s32(-1), bfind_s32(-2)], [u32::MAX, 0, u32::MAX, 0]);
    }

    #[test]
    fn set_bits_are_counted_in_both_directions() {
        assert_eq!([nth_set(0xaaaa_aaaa, 3, 1), nth_set(0xaaaa_aaaa, 3, -1)], [3, 3]);
        assert_eq!([nth_set(0xaaaa_aaaa, 2, 1), nth_set(0xaaaa_aaaa, 2, -1)], [3, 1]);
        assert_eq!([nth_set(0x8000_0001, 0, 2), nth_set(0x8000_0001, 31, -2)], [31, 0]);
        assert_eq!([nth_set(1, 0, 2), nth_set(1, 1, 0), nth_set(2, 1, 0)], [u32::MAX, u32::MAX, 1]);
        assert_eq!([nth_set(u32::MAX, 0, i32::MIN), nth_set(u32::MAX, 0, i32::MAX)], [u32::MAX; 2]);
        assert_eq!(pack(70_000, -5, 9, 16, true), 0x7fff_fffb);
        assert_eq!(pack(-1, 300, 0xabcd, 8, false), 0xabcd_00ff);
    }

    #[test]
    fn permutes_pick_bytes_and_signs() {
        assert_eq!(permute(0x3322_1100, 0x7766_5544, 0x7531), 0x7755_3311);
        assert_eq!(permute(0x0000_0080, 0, 0x0008), 0x8080_80ff);
        assert_eq!(permute(0x3322_1100, 0x7766_5544, permute_mode(&F4E, 1)), 0x4433_2211);
        assert_eq!(permute(0x3322_1100, 0x7766_5544, permute_mode(&B4E, 1)), 0x6677_0011);
        assert_eq!(lop3(0b1100, 0b1010, 0b0110, 0x96) & 0xf, 0b1100 ^ 0b1010 ^ 0b0110);
        assert_eq!(dp4a(0x01ff_0203, 0x0101_0101, 10, signed8, i32::from), 10 + 1 + 2 + 3 - 1);
        assert_eq!(extend(0xff, 8, true), u32::MAX);
        assert_eq!(bit_mask(4, 8), 0xff0);
    }
}
