//! The op table: every operation that works lane by lane, once.
//!
//! A row is `Name "spelling" (inputs) -> output Class * flops cold: |lane| result;`, flops and `cold` where they apply. A
//! `cold` operation is rare in kernels: its loop is compiled once and not for every vector level, since what is compiled
//! for all takes minutes. The table makes the [`Code`] enum, what
//! decode matches instructions against, the operand checks, the counting class, and the loops that execute it, so a new
//! operation is one row. Operations that need more than a lane's own operands (memory, shuffles, control) are listed in
//! [`Code`]'s second half with their class and have code of their own.
//!
//! A spelling is an instruction's opcode and modifiers; `a|b` takes either, `x?` may be missing. Optional `.ftz`, `.sat`
//! and `.relu` are applied around the row's function. A blank in a spelling marks a row that decode itself uses, for an
//! instruction of several parts or for one that another row spells alike.

use crate::registers::File;

/// PTX's names of the lane types, for the table.
#[allow(non_camel_case_types, reason = "these are PTX's own names")]
pub(crate) mod types {
    pub(crate) type b8 = u8;
    pub(crate) type b16 = u16;
    pub(crate) type b32 = u32;
    pub(crate) type b64 = u64;
    pub(crate) type s16 = i16;
    pub(crate) type s32 = i32;
    pub(crate) type s64 = i64;
    pub(crate) type pred = crate::registers::Flag;
    pub(crate) type f16 = crate::lane::half::F16;
    pub(crate) type bf16 = crate::lane::half::Bf16;
    pub(crate) type f16x2 = crate::lane::half::F16x2;
    pub(crate) type bf16x2 = crate::lane::half::Bf16x2;
    pub(crate) type f32x2 = crate::lane::float::F32x2;
    /// `.f32` whose NaN keep their payload.
    pub(crate) type raw32 = crate::lane::float::Raw32;
}

/// Hands the table's rows to the macro named.
macro_rules! for_each_lane_op {
    ($consumer:ident $($state:tt)*) => {
        $consumer! { $($state)*

            // Integer arithmetic. Signed and unsigned share a row where the bits of the result do not differ.
            AddI16             "add.u16|s16"                      (u16 u16) -> u16 Integer cold: |a, b| a.wrapping_add(b);
            AddI32             "add.u32|s32"                      (u32 u32) -> u32 Integer: |a, b| a.wrapping_add(b);
            AddI64             "add.u64|s64"                      (u64 u64) -> u64 Integer: |a, b| a.wrapping_add(b);
            AddU16x2           "add.u16x2|s16x2"                  (b32 b32) -> b32 Integer cold: |a, b| int::pairwise(a, b, u16::wrapping_add);
            SubI16             "sub.u16|s16"                      (u16 u16) -> u16 Integer cold: |a, b| a.wrapping_sub(b);
            SubI32             "sub.u32|s32"                      (u32 u32) -> u32 Integer: |a, b| a.wrapping_sub(b);
            SubI64             "sub.u64|s64"                      (u64 u64) -> u64 Integer: |a, b| a.wrapping_sub(b);
            MulLoI16           "mul.lo.u16|s16"                   (u16 u16) -> u16 Integer cold: |a, b| a.wrapping_mul(b);
            MulLoI32           "mul.lo.u32|s32"                   (u32 u32) -> u32 Integer: |a, b| a.wrapping_mul(b);
            MulLoI64           "mul.lo.u64|s64"                   (u64 u64) -> u64 Integer: |a, b| a.wrapping_mul(b);
            MulHiU16           "mul.hi.u16"                       (u16 u16) -> u16 Integer cold: |a, b| ((u32::from(a) * u32::from(b)) >> 16) as u16;
            MulHiS16           "mul.hi.s16"                       (s16 s16) -> s16 Integer cold: |a, b| ((i32::from(a) * i32::from(b)) >> 16) as s16;
            MulHiU32           "mul.hi.u32"                       (u32 u32) -> u32 Integer: |a, b| ((u64::from(a) * u64::from(b)) >> 32) as u32;
            MulHiS32           "mul.hi.s32"                       (s32 s32) -> s32 Integer: |a, b| ((i64::from(a) * i64::from(b)) >> 32) as s32;
            MulHiU64           "mul.hi.u64"                       (u64 u64) -> u64 Integer: |a, b| ((u128::from(a) * u128::from(b)) >> 64) as u64;
            MulHiS64           "mul.hi.s64"                       (s64 s64) -> s64 Integer: |a, b| ((i128::from(a) * i128::from(b)) >> 64) as s64;
            MulWideU16         "mul.wide.u16"                     (u16 u16) -> u32 Integer cold: |a, b| u32::from(a).wrapping_mul(u32::from(b));
            MulWideS16         "mul.wide.s16"                     (s16 s16) -> s32 Integer cold: |a, b| s32::from(a).wrapping_mul(s32::from(b));
            MulWideU32         "mul.wide.u32"                     (u32 u32) -> u64 Integer: |a, b| u64::from(a).wrapping_mul(u64::from(b));
            MulWideS32         "mul.wide.s32"                     (s32 s32) -> s64 Integer: |a, b| s64::from(a).wrapping_mul(s64::from(b));
            MadLoI16           "mad.lo.u16|s16"                   (u16 u16 u16) -> u16 Integer cold: |a, b, c| a.wrapping_mul(b).wrapping_add(c);
            MadLoI32           "mad.lo.u32|s32"                   (u32 u32 u32) -> u32 Integer: |a, b, c| a.wrapping_mul(b).wrapping_add(c);
            MadLoI64           "mad.lo.u64|s64"                   (u64 u64 u64) -> u64 Integer: |a, b, c| a.wrapping_mul(b).wrapping_add(c);
            MadHiU16           "mad.hi.u16"                       (u16 u16 u16) -> u16 Integer cold: |a, b, c| (((u32::from(a) * u32::from(b)) >> 16) as u16).wrapping_add(c);
            MadHiS16           "mad.hi.s16"                       (s16 s16 s16) -> s16 Integer cold: |a, b, c| (((i32::from(a) * i32::from(b)) >> 16) as s16).wrapping_add(c);
            MadHiU32           "mad.hi.u32"                       (u32 u32 u32) -> u32 Integer: |a, b, c| (((u64::from(a) * u64::from(b)) >> 32) as u32).wrapping_add(c);
            MadHiS32           "mad.hi.s32"                       (s32 s32 s32) -> s32 Integer: |a, b, c| (((i64::from(a) * i64::from(b)) >> 32) as s32).wrapping_add(c);
            MadHiU64           "mad.hi.u64"                       (u64 u64 u64) -> u64 Integer: |a, b, c| (((u128::from(a) * u128::from(b)) >> 64) as u64).wrapping_add(c);
            MadHiS64           "mad.hi.s64"                       (s64 s64 s64) -> s64 Integer: |a, b, c| (((i128::from(a) * i128::from(b)) >> 64) as s64).wrapping_add(c);
            MadHiSatS32        "mad.hi.sat.s32"                   (s32 s32 s32) -> s32 Integer cold: |a, b, c| (((i64::from(a) * i64::from(b)) >> 32) as i32).saturating_add(c);
            MadWideU16         "mad.wide.u16"                     (u16 u16 u32) -> u32 Integer: |a, b, c| u32::from(a).wrapping_mul(u32::from(b)).wrapping_add(c);
            MadWideS16         "mad.wide.s16"                     (s16 s16 s32) -> s32 Integer: |a, b, c| s32::from(a).wrapping_mul(s32::from(b)).wrapping_add(c);
            MadWideU32         "mad.wide.u32"                     (u32 u32 u64) -> u64 Integer: |a, b, c| u64::from(a).wrapping_mul(u64::from(b)).wrapping_add(c);
            MadWideS32         "mad.wide.s32"                     (s32 s32 s64) -> s64 Integer: |a, b, c| s64::from(a).wrapping_mul(s64::from(b)).wrapping_add(c);
            AddSatS32          "add.sat.s32"                      (s32 s32) -> s32 Integer cold: |a, b| a.saturating_add(b);
            SubSatS32          "sub.sat.s32"                      (s32 s32) -> s32 Integer cold: |a, b| a.saturating_sub(b);

            // Chains through CC.CF, which decode keeps in a predicate.
            AddWithCarry32     "add carried.u32"                  (b32 b32 pred) -> b32 Integer cold: |a, b, carry| a.wrapping_add(b).wrapping_add(carry.bit());
            AddWithCarry64     "add carried.u64"                  (b64 b64 pred) -> b64 Integer cold: |a, b, carry| a.wrapping_add(b).wrapping_add(carry.bit().into());
            CarryOfAdd32       "add carry.u32"                    (b32 b32 pred) -> pred Integer cold: |a, b, carry| (u64::from(a) + u64::from(b) + u64::from(carry.bit()) >> 32 != 0).into();
            CarryOfAdd64       "add carry.u64"                    (b64 b64 pred) -> pred Integer cold: |a, b, carry| (a.wrapping_add(b) < a || carry.is_set() && a.wrapping_add(b) == u64::MAX).into();
            SubWithBorrow32    "sub carried.u32"                  (b32 b32 pred) -> b32 Integer cold: |a, b, borrow| a.wrapping_sub(b).wrapping_sub(borrow.bit());
            SubWithBorrow64    "sub carried.u64"                  (b64 b64 pred) -> b64 Integer cold: |a, b, borrow| a.wrapping_sub(b).wrapping_sub(borrow.bit().into());
            BorrowOfSub32      "sub carry.u32"                    (b32 b32 pred) -> pred Integer cold: |a, b, borrow| (a < b || borrow.is_set() && a == b).into();
            BorrowOfSub64      "sub carry.u64"                    (b64 b64 pred) -> pred Integer cold: |a, b, borrow| (a < b || borrow.is_set() && a == b).into();

            Mul24LoU32         "mul24.lo.u32"                     (u32 u32) -> u32 Integer cold: |a, b| int::low24(a).wrapping_mul(int::low24(b));
            Mul24LoS32         "mul24.lo.s32"                     (s32 s32) -> s32 Integer cold: |a, b| int::low24_signed(a).wrapping_mul(int::low24_signed(b));
            Mul24HiU32         "mul24.hi.u32"                     (u32 u32) -> u32 Integer cold: |a, b| ((u64::from(int::low24(a)) * u64::from(int::low24(b))) >> 16) as u32;
            Mul24HiS32         "mul24.hi.s32"                     (s32 s32) -> s32 Integer cold: |a, b| ((i64::from(int::low24_signed(a)) * i64::from(int::low24_signed(b))) >> 16) as i32;
            Mad24LoU32         "mad24.lo.u32"                     (u32 u32 u32) -> u32 Integer cold: |a, b, c| int::low24(a).wrapping_mul(int::low24(b)).wrapping_add(c);
            Mad24LoS32         "mad24.lo.s32"                     (s32 s32 s32) -> s32 Integer cold: |a, b, c| int::low24_signed(a).wrapping_mul(int::low24_signed(b)).wrapping_add(c);
            Mad24HiU32         "mad24.hi.u32"                     (u32 u32 u32) -> u32 Integer cold: |a, b, c| (((u64::from(int::low24(a)) * u64::from(int::low24(b))) >> 16) as u32).wrapping_add(c);
            Mad24HiS32         "mad24.hi.s32"                     (s32 s32 s32) -> s32 Integer cold: |a, b, c| (((i64::from(int::low24_signed(a)) * i64::from(int::low24_signed(b))) >> 16) as i32).wrapping_add(c);
            Mad24HiSatS32      "mad24.hi.sat.s32"                 (s32 s32 s32) -> s32 Integer cold: |a, b, c| (((i64::from(int::low24_signed(a)) * i64::from(int::low24_signed(b))) >> 16) as i32).saturating_add(c);
            DivU16             "div.u16"                          (u16 u16) -> u16 Integer cold: |a, b| int::div_u32(u32::from(a), u32::from(b)) as u16;
            DivS16             "div.s16"                          (s16 s16) -> s16 Integer cold: |a, b| int::div_i32(i32::from(a), i32::from(b)) as i16;
            DivU32             "div.u32"                          (u32 u32) -> u32 Integer: |a, b| int::div_u32(a, b);
            DivS32             "div.s32"                          (s32 s32) -> s32 Integer: |a, b| int::div_i32(a, b);
            DivU64             "div.u64"                          (u64 u64) -> u64 Integer cold: |a, b| int::div_u64(a, b);
            DivS64             "div.s64"                          (s64 s64) -> s64 Integer cold: |a, b| int::div_i64(a, b);
            RemU16             "rem.u16"                          (u16 u16) -> u16 Integer cold: |a, b| int::rem_u32(u32::from(a), u32::from(b)) as u16;
            RemS16             "rem.s16"                          (s16 s16) -> s16 Integer cold: |a, b| int::rem_i32(i32::from(a), i32::from(b)) as i16;
            RemU32             "rem.u32"                          (u32 u32) -> u32 Integer: |a, b| int::rem_u32(a, b);
            RemS32             "rem.s32"                          (s32 s32) -> s32 Integer: |a, b| int::rem_i32(a, b);
            RemU64             "rem.u64"                          (u64 u64) -> u64 Integer cold: |a, b| int::rem_u64(a, b);
            RemS64             "rem.s64"                          (s64 s64) -> s64 Integer cold: |a, b| int::rem_i64(a, b);
            NegS16             "neg.s16"                          (s16) -> s16 Integer cold: |a| a.wrapping_neg();
            NegS32             "neg.s32"                          (s32) -> s32 Integer: |a| a.wrapping_neg();
            NegS64             "neg.s64"                          (s64) -> s64 Integer: |a| a.wrapping_neg();
            AbsS16             "abs.s16"                          (s16) -> s16 Integer cold: |a| a.wrapping_abs();
            AbsS32             "abs.s32"                          (s32) -> s32 Integer: |a| a.wrapping_abs();
            AbsS64             "abs.s64"                          (s64) -> s64 Integer: |a| a.wrapping_abs();
            MinU16             "min.u16"                          (u16 u16) -> u16 Integer cold: |a, b| a.min(b);
            MinS16             "min.s16"                          (s16 s16) -> s16 Integer cold: |a, b| a.min(b);
            MinU32             "min.u32"                          (u32 u32) -> u32 Integer: |a, b| a.min(b);
            MinS32             "min.s32"                          (s32 s32) -> s32 Integer: |a, b| a.min(b);
            MinU64             "min.u64"                          (u64 u64) -> u64 Integer: |a, b| a.min(b);
            MinS64             "min.s64"                          (s64 s64) -> s64 Integer: |a, b| a.min(b);
            MinReluS32         "min.relu.s32"                     (s32 s32) -> s32 Integer cold: |a, b| a.min(b).max(0);
            MinU16x2           "min.u16x2"                        (b32 b32) -> b32 Integer cold: |a, b| int::pairwise(a, b, Ord::min);
            MinS16x2           "min.s16x2"                        (b32 b32) -> b32 Integer cold: |a, b| int::pairwise_signed(a, b, Ord::min);
            MinReluS16x2       "min.relu.s16x2"                   (b32 b32) -> b32 Integer cold: |a, b| int::pairwise_signed(a, b, |a, b| a.min(b).max(0));
            MaxU16             "max.u16"                          (u16 u16) -> u16 Integer cold: |a, b| a.max(b);
            MaxS16             "max.s16"                          (s16 s16) -> s16 Integer cold: |a, b| a.max(b);
            MaxU32             "max.u32"                          (u32 u32) -> u32 Integer: |a, b| a.max(b);
            MaxS32             "max.s32"                          (s32 s32) -> s32 Integer: |a, b| a.max(b);
            MaxU64             "max.u64"                          (u64 u64) -> u64 Integer: |a, b| a.max(b);
            MaxS64             "max.s64"                          (s64 s64) -> s64 Integer: |a, b| a.max(b);
            MaxReluS32         "max.relu.s32"                     (s32 s32) -> s32 Integer cold: |a, b| a.max(b).max(0);
            MaxU16x2           "max.u16x2"                        (b32 b32) -> b32 Integer cold: |a, b| int::pairwise(a, b, Ord::max);
            MaxS16x2           "max.s16x2"                        (b32 b32) -> b32 Integer cold: |a, b| int::pairwise_signed(a, b, Ord::max);
            MaxReluS16x2       "max.relu.s16x2"                   (b32 b32) -> b32 Integer cold: |a, b| int::pairwise_signed(a, b, |a, b| a.max(b).max(0));
            SadU16             "sad.u16"                          (u16 u16 u16) -> u16 Integer cold: |a, b, c| a.abs_diff(b).wrapping_add(c);
            SadS16             "sad.s16"                          (s16 s16 u16) -> u16 Integer cold: |a, b, c| a.abs_diff(b).wrapping_add(c);
            SadU32             "sad.u32"                          (u32 u32 u32) -> u32 Integer cold: |a, b, c| a.abs_diff(b).wrapping_add(c);
            SadS32             "sad.s32"                          (s32 s32 u32) -> u32 Integer cold: |a, b, c| a.abs_diff(b).wrapping_add(c);
            SadU64             "sad.u64"                          (u64 u64 u64) -> u64 Integer cold: |a, b, c| a.abs_diff(b).wrapping_add(c);
            SadS64             "sad.s64"                          (s64 s64 u64) -> u64 Integer cold: |a, b, c| a.abs_diff(b).wrapping_add(c);
            Dp4aUU             "dp4a.u32.u32"                     (b32 b32 u32) -> u32 Integer: |a, b, c| int::dp4a(a, b, c, i32::from, i32::from);
            Dp4aUS             "dp4a.u32.s32"                     (b32 b32 u32) -> u32 Integer: |a, b, c| int::dp4a(a, b, c, i32::from, int::signed8);
            Dp4aSU             "dp4a.s32.u32"                     (b32 b32 u32) -> u32 Integer: |a, b, c| int::dp4a(a, b, c, int::signed8, i32::from);
            Dp4aSS             "dp4a.s32.s32"                     (b32 b32 u32) -> u32 Integer: |a, b, c| int::dp4a(a, b, c, int::signed8, int::signed8);
            Dp2aLoUU           "dp2a.lo.u32.u32"                  (b32 b32 u32) -> u32 Integer cold: |a, b, c| int::dp2a(a, b, c, 0, i32::from, i32::from);
            Dp2aLoUS           "dp2a.lo.u32.s32"                  (b32 b32 u32) -> u32 Integer cold: |a, b, c| int::dp2a(a, b, c, 0, i32::from, int::signed8);
            Dp2aLoSU           "dp2a.lo.s32.u32"                  (b32 b32 u32) -> u32 Integer cold: |a, b, c| int::dp2a(a, b, c, 0, |x| i32::from(x as i16), i32::from);
            Dp2aLoSS           "dp2a.lo.s32.s32"                  (b32 b32 u32) -> u32 Integer cold: |a, b, c| int::dp2a(a, b, c, 0, |x| i32::from(x as i16), int::signed8);
            Dp2aHiUU           "dp2a.hi.u32.u32"                  (b32 b32 u32) -> u32 Integer cold: |a, b, c| int::dp2a(a, b, c, 2, i32::from, i32::from);
            Dp2aHiUS           "dp2a.hi.u32.s32"                  (b32 b32 u32) -> u32 Integer cold: |a, b, c| int::dp2a(a, b, c, 2, i32::from, int::signed8);
            Dp2aHiSU           "dp2a.hi.s32.u32"                  (b32 b32 u32) -> u32 Integer cold: |a, b, c| int::dp2a(a, b, c, 2, |x| i32::from(x as i16), i32::from);
            Dp2aHiSS           "dp2a.hi.s32.s32"                  (b32 b32 u32) -> u32 Integer cold: |a, b, c| int::dp2a(a, b, c, 2, |x| i32::from(x as i16), int::signed8);

            // Bits.
            AndB16             "and.b16"                          (b16 b16) -> b16 Integer: |a, b| a & b;
            AndB32             "and.b32"                          (b32 b32) -> b32 Integer: |a, b| a & b;
            AndB64             "and.b64"                          (b64 b64) -> b64 Integer: |a, b| a & b;
            OrB16              "or.b16"                           (b16 b16) -> b16 Integer: |a, b| a | b;
            OrB32              "or.b32"                           (b32 b32) -> b32 Integer: |a, b| a | b;
            OrB64              "or.b64"                           (b64 b64) -> b64 Integer: |a, b| a | b;
            XorB16             "xor.b16"                          (b16 b16) -> b16 Integer: |a, b| a ^ b;
            XorB32             "xor.b32"                          (b32 b32) -> b32 Integer: |a, b| a ^ b;
            XorB64             "xor.b64"                          (b64 b64) -> b64 Integer: |a, b| a ^ b;
            NotB16             "not.b16"                          (b16) -> b16 Integer: |a| !a;
            NotB32             "not.b32"                          (b32) -> b32 Integer: |a| !a;
            NotB64             "not.b64"                          (b64) -> b64 Integer: |a| !a;
            CnotB16            "cnot.b16"                         (b16) -> b16 Integer cold: |a| u16::from(a == 0);
            CnotB32            "cnot.b32"                         (b32) -> b32 Integer cold: |a| u32::from(a == 0);
            CnotB64            "cnot.b64"                         (b64) -> b64 Integer cold: |a| u64::from(a == 0);
            ShlB16             "shl.b16"                          (b16 u32) -> b16 Integer: |a, by| int::shl_16(a, by);
            ShlB32             "shl.b32"                          (b32 u32) -> b32 Integer: |a, by| int::shl_32(a, by);
            ShlB64             "shl.b64"                          (b64 u32) -> b64 Integer: |a, by| int::shl_64(a, by);
            ShrU16             "shr.u16|b16"                      (b16 u32) -> b16 Integer: |a, by| int::shr_16(a, by);
            ShrU32             "shr.u32|b32"                      (b32 u32) -> b32 Integer: |a, by| int::shr_32(a, by);
            ShrU64             "shr.u64|b64"                      (b64 u32) -> b64 Integer: |a, by| int::shr_64(a, by);
            ShrS16             "shr.s16"                          (s16 u32) -> s16 Integer: |a, by| int::sar_16(a, by);
            ShrS32             "shr.s32"                          (s32 u32) -> s32 Integer: |a, by| int::sar_32(a, by);
            ShrS64             "shr.s64"                          (s64 u32) -> s64 Integer: |a, by| int::sar_64(a, by);
            ShfLeftClamp       "shf.l.clamp.b32"                  (b32 b32 u32) -> b32 Integer: |a, b, by| int::funnel_left(a, b, by.min(32));
            ShfLeftWrap        "shf.l.wrap.b32"                   (b32 b32 u32) -> b32 Integer: |a, b, by| int::funnel_left(a, b, by & 31);
            ShfRightClamp      "shf.r.clamp.b32"                  (b32 b32 u32) -> b32 Integer: |a, b, by| int::funnel_right(a, b, by.min(32));
            ShfRightWrap       "shf.r.wrap.b32"                   (b32 b32 u32) -> b32 Integer: |a, b, by| int::funnel_right(a, b, by & 31);
            BfeU32             "bfe.u32"                          (u32 u32 u32) -> u32 Integer: |a, pos, len| int::bfe_u32(a, pos, len);
            BfeS32             "bfe.s32"                          (s32 u32 u32) -> s32 Integer: |a, pos, len| int::bfe_s32(a, pos, len);
            BfeU64             "bfe.u64"                          (u64 u32 u32) -> u64 Integer cold: |a, pos, len| int::bfe_u64(a, pos, len);
            BfeS64             "bfe.s64"                          (s64 u32 u32) -> s64 Integer cold: |a, pos, len| int::bfe_s64(a, pos, len);
            BfiB32             "bfi.b32"                          (b32 b32 u32 u32) -> b32 Integer: |a, b, pos, len| int::bfi_32(a, b, pos, len);
            BfiB64             "bfi.b64"                          (b64 b64 u32 u32) -> b64 Integer cold: |a, b, pos, len| int::bfi_64(a, b, pos, len);
            BrevB32            "brev.b32"                         (b32) -> b32 Integer cold: |a| a.reverse_bits();
            BrevB64            "brev.b64"                         (b64) -> b64 Integer cold: |a| a.reverse_bits();
            PopcB32            "popc.b32"                         (b32) -> u32 Integer: |a| a.count_ones();
            PopcB64            "popc.b64"                         (b64) -> u32 Integer: |a| a.count_ones();
            ClzB32             "clz.b32"                          (b32) -> u32 Integer: |a| a.leading_zeros();
            ClzB64             "clz.b64"                          (b64) -> u32 Integer: |a| a.leading_zeros();
            BfindU32           "bfind.u32"                        (u32) -> u32 Integer cold: |a| int::bfind_u32(a);
            BfindShiftU32      "bfind.shiftamt.u32"               (u32) -> u32 Integer cold: |a| int::shift_amount(int::bfind_u32(a), 32);
            BfindS32           "bfind.s32"                        (s32) -> u32 Integer cold: |a| int::bfind_s32(a);
            BfindShiftS32      "bfind.shiftamt.s32"               (s32) -> u32 Integer cold: |a| int::shift_amount(int::bfind_s32(a), 32);
            BfindU64           "bfind.u64"                        (u64) -> u32 Integer cold: |a| int::bfind_u64(a);
            BfindShiftU64      "bfind.shiftamt.u64"               (u64) -> u32 Integer cold: |a| int::shift_amount(int::bfind_u64(a), 64);
            BfindS64           "bfind.s64"                        (s64) -> u32 Integer cold: |a| int::bfind_s64(a);
            BfindShiftS64      "bfind.shiftamt.s64"               (s64) -> u32 Integer cold: |a| int::shift_amount(int::bfind_s64(a), 64);
            Prmt               "prmt.b32"                         (b32 b32 b32) -> b32 Integer: |a, b, selector| int::permute(a, b, selector);
            PrmtF4e            "prmt.b32.f4e"                     (b32 b32 b32) -> b32 Integer cold: |a, b, control| int::permute(a, b, int::permute_mode(&int::F4E, control));
            PrmtB4e            "prmt.b32.b4e"                     (b32 b32 b32) -> b32 Integer cold: |a, b, control| int::permute(a, b, int::permute_mode(&int::B4E, control));
            PrmtRc8            "prmt.b32.rc8"                     (b32 b32 b32) -> b32 Integer cold: |a, b, control| int::permute(a, b, int::permute_mode(&int::RC8, control));
            PrmtEcl            "prmt.b32.ecl"                     (b32 b32 b32) -> b32 Integer cold: |a, b, control| int::permute(a, b, int::permute_mode(&int::ECL, control));
            PrmtEcr            "prmt.b32.ecr"                     (b32 b32 b32) -> b32 Integer cold: |a, b, control| int::permute(a, b, int::permute_mode(&int::ECR, control));
            PrmtRc16           "prmt.b32.rc16"                    (b32 b32 b32) -> b32 Integer cold: |a, b, control| int::permute(a, b, int::permute_mode(&int::RC16, control));
            SzextClampU32      "szext.clamp.u32"                  (b32 u32) -> b32 Integer cold: |a, n| int::extend(a, n, false);
            SzextWrapU32       "szext.wrap.u32"                   (b32 u32) -> b32 Integer cold: |a, n| int::extend(a, n & 31, false);
            SzextClampS32      "szext.clamp.s32"                  (b32 u32) -> b32 Integer cold: |a, n| int::extend(a, n, true);
            SzextWrapS32       "szext.wrap.s32"                   (b32 u32) -> b32 Integer cold: |a, n| int::extend(a, n & 31, true);
            BmskClamp          "bmsk.clamp.b32"                   (u32 u32) -> b32 Integer cold: |pos, len| int::bit_mask(pos, len);
            BmskWrap           "bmsk.wrap.b32"                    (u32 u32) -> b32 Integer cold: |pos, len| int::bit_mask(pos & 31, len & 31);
            Fns                "fns.b32"                          (b32 u32 s32) -> b32 Integer cold: |mask, base, offset| int::nth_set(mask, base, offset);

            // Single and double precision, rounded to nearest even.
            AddF32             "add.rn?.ftz?.sat?.f32"            (f32 f32) -> f32 Float*1: |a, b| a + b;
            SubF32             "sub.rn?.ftz?.sat?.f32"            (f32 f32) -> f32 Float*1: |a, b| a - b;
            MulF32             "mul.rn?.ftz?.sat?.f32"            (f32 f32) -> f32 Float*1: |a, b| a * b;
            FmaF32             "fma|mad.rn.ftz?.sat?.f32"         (f32 f32 f32) -> f32 Float*2: |a, b, c| a.mul_add(b, c);
            DivF32             "div.rn|full.ftz?.f32"             (f32 f32) -> f32 Float*1: |a, b| a / b;
            DivApproxF32       "div.approx.ftz?.f32"              (f32 f32) -> f32 Float*1: |a, b| float::div_approx(a, b);
            NegF32             "neg.ftz?.f32"                     (f32) -> f32 Float: |a| -a;
            AbsF32             "abs.ftz?.f32"                     (f32) -> f32 Float: |a| a.abs();
            MinF32             "min.ftz?.f32"                     (f32 f32) -> f32 Float: |a, b| float::min_f32(a, b);
            MaxF32             "max.ftz?.f32"                     (f32 f32) -> f32 Float: |a, b| float::max_f32(a, b);
            MinNanF32          "min.ftz?.NaN.f32"                 (f32 f32) -> f32 Float: |a, b| float::min_nan_f32(a, b);
            MaxNanF32          "max.ftz?.NaN.f32"                 (f32 f32) -> f32 Float: |a, b| float::max_nan_f32(a, b);
            MinXorsignF32      "min.ftz?.xorsign.abs.f32"         (f32 f32) -> f32 Float cold: |a, b| float::xorsign(a, b, float::min_f32);
            MinNanXorsignF32   "min.ftz?.NaN.xorsign.abs.f32"     (f32 f32) -> f32 Float cold: |a, b| float::xorsign(a, b, float::min_nan_f32);
            MaxXorsignF32      "max.ftz?.xorsign.abs.f32"         (f32 f32) -> f32 Float cold: |a, b| float::xorsign(a, b, float::max_f32);
            MaxNanXorsignF32   "max.ftz?.NaN.xorsign.abs.f32"     (f32 f32) -> f32 Float cold: |a, b| float::xorsign(a, b, float::max_nan_f32);
            Min3F32            "min three.ftz?.f32"               (f32 f32 f32) -> f32 Float cold: |a, b, c| float::min_f32(float::min_f32(a, b), c);
            Min3AbsF32         "min three.ftz?.abs.f32"           (f32 f32 f32) -> f32 Float cold: |a, b, c| float::min_f32(float::min_f32(a.abs(), b.abs()), c.abs());
            Min3NanF32         "min three.ftz?.NaN.f32"           (f32 f32 f32) -> f32 Float cold: |a, b, c| float::min_nan_f32(float::min_nan_f32(a, b), c);
            Min3NanAbsF32      "min three.ftz?.NaN.abs.f32"       (f32 f32 f32) -> f32 Float cold: |a, b, c| float::min_nan_f32(float::min_nan_f32(a.abs(), b.abs()), c.abs());
            Max3F32            "max three.ftz?.f32"               (f32 f32 f32) -> f32 Float cold: |a, b, c| float::max_f32(float::max_f32(a, b), c);
            Max3AbsF32         "max three.ftz?.abs.f32"           (f32 f32 f32) -> f32 Float cold: |a, b, c| float::max_f32(float::max_f32(a.abs(), b.abs()), c.abs());
            Max3NanF32         "max three.ftz?.NaN.f32"           (f32 f32 f32) -> f32 Float cold: |a, b, c| float::max_nan_f32(float::max_nan_f32(a, b), c);
            Max3NanAbsF32      "max three.ftz?.NaN.abs.f32"       (f32 f32 f32) -> f32 Float cold: |a, b, c| float::max_nan_f32(float::max_nan_f32(a.abs(), b.abs()), c.abs());
            CopysignF32        "copysign.f32"                     (raw32 raw32) -> raw32 Float cold: |sign, magnitude| float::Raw32(magnitude.0 & 0x7fff_ffff | sign.0 & 0x8000_0000);
            AddF64             "add.rn?.f64"                      (f64 f64) -> f64 Float*1: |a, b| a + b;
            SubF64             "sub.rn?.f64"                      (f64 f64) -> f64 Float*1: |a, b| a - b;
            MulF64             "mul.rn?.f64"                      (f64 f64) -> f64 Float*1: |a, b| a * b;
            FmaF64             "fma|mad.rn.f64"                   (f64 f64 f64) -> f64 Float*2: |a, b, c| a.mul_add(b, c);
            DivF64             "div.rn.f64"                       (f64 f64) -> f64 Float*1: |a, b| a / b;
            NegF64             "neg.f64"                          (f64) -> f64 Float: |a| -a;
            AbsF64             "abs.f64"                          (f64) -> f64 Float: |a| a.abs();
            MinF64             "min.f64"                          (f64 f64) -> f64 Float: |a, b| float::min_f64(a, b);
            MaxF64             "max.f64"                          (f64 f64) -> f64 Float: |a, b| float::max_f64(a, b);
            CopysignF64        "copysign.f64"                     (f64 f64) -> f64 Float cold: |sign, magnitude| magnitude.copysign(sign);

            // In the other rounding modes.
            AddRzF32           "add.rz.ftz?.sat?.f32"             (f32 f32) -> f32 Float*1: |a, b| round::add_f32(round::Zero, a, b);
            AddRmF32           "add.rm.ftz?.sat?.f32"             (f32 f32) -> f32 Float*1: |a, b| round::add_f32(round::Down, a, b);
            AddRpF32           "add.rp.ftz?.sat?.f32"             (f32 f32) -> f32 Float*1: |a, b| round::add_f32(round::Up, a, b);
            SubRzF32           "sub.rz.ftz?.sat?.f32"             (f32 f32) -> f32 Float*1: |a, b| round::add_f32(round::Zero, a, -b);
            SubRmF32           "sub.rm.ftz?.sat?.f32"             (f32 f32) -> f32 Float*1: |a, b| round::add_f32(round::Down, a, -b);
            SubRpF32           "sub.rp.ftz?.sat?.f32"             (f32 f32) -> f32 Float*1: |a, b| round::add_f32(round::Up, a, -b);
            MulRzF32           "mul.rz.ftz?.sat?.f32"             (f32 f32) -> f32 Float*1: |a, b| round::mul_f32(round::Zero, a, b);
            MulRmF32           "mul.rm.ftz?.sat?.f32"             (f32 f32) -> f32 Float*1: |a, b| round::mul_f32(round::Down, a, b);
            MulRpF32           "mul.rp.ftz?.sat?.f32"             (f32 f32) -> f32 Float*1: |a, b| round::mul_f32(round::Up, a, b);
            FmaRzF32           "fma|mad.rz.ftz?.sat?.f32"         (f32 f32 f32) -> f32 Float*2: |a, b, c| round::fma_f32(round::Zero, a, b, c);
            FmaRmF32           "fma|mad.rm.ftz?.sat?.f32"         (f32 f32 f32) -> f32 Float*2: |a, b, c| round::fma_f32(round::Down, a, b, c);
            FmaRpF32           "fma|mad.rp.ftz?.sat?.f32"         (f32 f32 f32) -> f32 Float*2: |a, b, c| round::fma_f32(round::Up, a, b, c);
            DivRzF32           "div.rz.ftz?.f32"                  (f32 f32) -> f32 Float*1: |a, b| round::div_f32(round::Zero, a, b);
            DivRmF32           "div.rm.ftz?.f32"                  (f32 f32) -> f32 Float*1: |a, b| round::div_f32(round::Down, a, b);
            DivRpF32           "div.rp.ftz?.f32"                  (f32 f32) -> f32 Float*1: |a, b| round::div_f32(round::Up, a, b);
            AddRzF64           "add.rz.f64"                       (f64 f64) -> f64 Float*1 cold: |a, b| round::add_f64(round::Zero, a, b);
            AddRmF64           "add.rm.f64"                       (f64 f64) -> f64 Float*1 cold: |a, b| round::add_f64(round::Down, a, b);
            AddRpF64           "add.rp.f64"                       (f64 f64) -> f64 Float*1 cold: |a, b| round::add_f64(round::Up, a, b);
            SubRzF64           "sub.rz.f64"                       (f64 f64) -> f64 Float*1 cold: |a, b| round::add_f64(round::Zero, a, -b);
            SubRmF64           "sub.rm.f64"                       (f64 f64) -> f64 Float*1 cold: |a, b| round::add_f64(round::Down, a, -b);
            SubRpF64           "sub.rp.f64"                       (f64 f64) -> f64 Float*1 cold: |a, b| round::add_f64(round::Up, a, -b);
            MulRzF64           "mul.rz.f64"                       (f64 f64) -> f64 Float*1 cold: |a, b| round::mul_f64(round::Zero, a, b);
            MulRmF64           "mul.rm.f64"                       (f64 f64) -> f64 Float*1 cold: |a, b| round::mul_f64(round::Down, a, b);
            MulRpF64           "mul.rp.f64"                       (f64 f64) -> f64 Float*1 cold: |a, b| round::mul_f64(round::Up, a, b);
            FmaRzF64           "fma|mad.rz.f64"                   (f64 f64 f64) -> f64 Float*2 cold: |a, b, c| round::fma_f64(round::Zero, a, b, c);
            FmaRmF64           "fma|mad.rm.f64"                   (f64 f64 f64) -> f64 Float*2 cold: |a, b, c| round::fma_f64(round::Down, a, b, c);
            FmaRpF64           "fma|mad.rp.f64"                   (f64 f64 f64) -> f64 Float*2 cold: |a, b, c| round::fma_f64(round::Up, a, b, c);
            DivRzF64           "div.rz.f64"                       (f64 f64) -> f64 Float*1 cold: |a, b| round::div_f64(round::Zero, a, b);
            DivRmF64           "div.rm.f64"                       (f64 f64) -> f64 Float*1 cold: |a, b| round::div_f64(round::Down, a, b);
            DivRpF64           "div.rp.f64"                       (f64 f64) -> f64 Float*1 cold: |a, b| round::div_f64(round::Up, a, b);
            TestpFiniteF32     "testp.finite.f32"                 (f32) -> pred Move cold: |a| (a.is_finite()).into();
            TestpInfiniteF32   "testp.infinite.f32"               (f32) -> pred Move cold: |a| (a.is_infinite()).into();
            TestpNumberF32     "testp.number.f32"                 (f32) -> pred Move cold: |a| (!a.is_nan()).into();
            TestpNotanumberF32 "testp.notanumber.f32"             (f32) -> pred Move cold: |a| (a.is_nan()).into();
            TestpNormalF32     "testp.normal.f32"                 (f32) -> pred Move cold: |a| (a.is_normal()).into();
            TestpSubnormalF32  "testp.subnormal.f32"              (f32) -> pred Move cold: |a| (a.is_subnormal()).into();
            TestpFiniteF64     "testp.finite.f64"                 (f64) -> pred Move cold: |a| (a.is_finite()).into();
            TestpInfiniteF64   "testp.infinite.f64"               (f64) -> pred Move cold: |a| (a.is_infinite()).into();
            TestpNumberF64     "testp.number.f64"                 (f64) -> pred Move cold: |a| (!a.is_nan()).into();
            TestpNotanumberF64 "testp.notanumber.f64"             (f64) -> pred Move cold: |a| (a.is_nan()).into();
            TestpNormalF64     "testp.normal.f64"                 (f64) -> pred Move cold: |a| (a.is_normal()).into();
            TestpSubnormalF64  "testp.subnormal.f64"              (f64) -> pred Move cold: |a| (a.is_subnormal()).into();

            // Two of single precision in 64 bits.
            AddF32x2           "add.rn?.ftz?.f32x2"               (f32x2 f32x2) -> f32x2 Float*2 cold: |a, b| a.zip(b, |a, b| a + b);
            AddRzF32x2         "add.rz.ftz?.f32x2"                (f32x2 f32x2) -> f32x2 Float*2 cold: |a, b| a.zip(b, |a, b| round::add_f32(round::Zero, a, b));
            AddRmF32x2         "add.rm.ftz?.f32x2"                (f32x2 f32x2) -> f32x2 Float*2 cold: |a, b| a.zip(b, |a, b| round::add_f32(round::Down, a, b));
            AddRpF32x2         "add.rp.ftz?.f32x2"                (f32x2 f32x2) -> f32x2 Float*2 cold: |a, b| a.zip(b, |a, b| round::add_f32(round::Up, a, b));
            SubF32x2           "sub.rn?.ftz?.f32x2"               (f32x2 f32x2) -> f32x2 Float*2 cold: |a, b| a.zip(b, |a, b| a - b);
            SubRzF32x2         "sub.rz.ftz?.f32x2"                (f32x2 f32x2) -> f32x2 Float*2 cold: |a, b| a.zip(b, |a, b| round::add_f32(round::Zero, a, -b));
            SubRmF32x2         "sub.rm.ftz?.f32x2"                (f32x2 f32x2) -> f32x2 Float*2 cold: |a, b| a.zip(b, |a, b| round::add_f32(round::Down, a, -b));
            SubRpF32x2         "sub.rp.ftz?.f32x2"                (f32x2 f32x2) -> f32x2 Float*2 cold: |a, b| a.zip(b, |a, b| round::add_f32(round::Up, a, -b));
            MulF32x2           "mul.rn?.ftz?.f32x2"               (f32x2 f32x2) -> f32x2 Float*2 cold: |a, b| a.zip(b, |a, b| a * b);
            MulRzF32x2         "mul.rz.ftz?.f32x2"                (f32x2 f32x2) -> f32x2 Float*2 cold: |a, b| a.zip(b, |a, b| round::mul_f32(round::Zero, a, b));
            MulRmF32x2         "mul.rm.ftz?.f32x2"                (f32x2 f32x2) -> f32x2 Float*2 cold: |a, b| a.zip(b, |a, b| round::mul_f32(round::Down, a, b));
            MulRpF32x2         "mul.rp.ftz?.f32x2"                (f32x2 f32x2) -> f32x2 Float*2 cold: |a, b| a.zip(b, |a, b| round::mul_f32(round::Up, a, b));
            FmaF32x2           "fma.rn.ftz?.f32x2"                (f32x2 f32x2 f32x2) -> f32x2 Float*4 cold: |a, b, c| a.zip3(b, c, f32::mul_add);
            FmaRzF32x2         "fma.rz.ftz?.f32x2"                (f32x2 f32x2 f32x2) -> f32x2 Float*4 cold: |a, b, c| a.zip3(b, c, |a, b, c| round::fma_f32(round::Zero, a, b, c));
            FmaRmF32x2         "fma.rm.ftz?.f32x2"                (f32x2 f32x2 f32x2) -> f32x2 Float*4 cold: |a, b, c| a.zip3(b, c, |a, b, c| round::fma_f32(round::Down, a, b, c));
            FmaRpF32x2         "fma.rp.ftz?.f32x2"                (f32x2 f32x2 f32x2) -> f32x2 Float*4 cold: |a, b, c| a.zip3(b, c, |a, b, c| round::fma_f32(round::Up, a, b, c));

            // Special functions.
            RcpF32             "rcp.rn|approx.ftz?.f32"           (f32) -> f32 Special*1: |a| 1.0 / a;
            SqrtF32            "sqrt.rn|approx.ftz?.f32"          (f32) -> f32 Special*1: |a| a.sqrt();
            RsqrtF32           "rsqrt.approx.ftz?.f32"            (f32) -> f32 Special*1: |a| approx::rsqrt(a);
            Ex2F32             "ex2.approx.ftz?.f32"              (f32) -> f32 Special*1: |a| approx::ex2(a);
            Lg2F32             "lg2.approx.ftz?.f32"              (f32) -> f32 Special*1: |a| approx::lg2(a);
            SinF32             "sin.approx.ftz?.f32"              (f32) -> f32 Special*1: |a| approx::sin(a);
            CosF32             "cos.approx.ftz?.f32"              (f32) -> f32 Special*1: |a| approx::cos(a);
            TanhF32            "tanh.approx.f32"                  (f32) -> f32 Special*1: |a| approx::tanh(a);
            RcpF64             "rcp.rn.f64"                       (f64) -> f64 Special*1: |a| 1.0 / a;
            RcpApproxF64       "rcp.approx.ftz.f64"               (f64) -> f64 Special*1 cold: |a| approx::rcp_f64(a);
            SqrtF64            "sqrt.rn.f64"                      (f64) -> f64 Special*1: |a| a.sqrt();
            RsqrtF64           "rsqrt.approx.f64"                 (f64) -> f64 Special*1: |a| 1.0 / a.sqrt();
            RsqrtFtzF64        "rsqrt.approx.ftz.f64"             (f64) -> f64 Special*1 cold: |a| approx::rsqrt_f64(a);

            // In the other rounding modes.
            RcpRzF32           "rcp.rz.ftz?.f32"                  (f32) -> f32 Special*1: |a| round::div_f32(round::Zero, 1.0, a);
            SqrtRzF32          "sqrt.rz.ftz?.f32"                 (f32) -> f32 Special*1: |a| round::sqrt_f32(round::Zero, a);
            RcpRmF32           "rcp.rm.ftz?.f32"                  (f32) -> f32 Special*1: |a| round::div_f32(round::Down, 1.0, a);
            SqrtRmF32          "sqrt.rm.ftz?.f32"                 (f32) -> f32 Special*1: |a| round::sqrt_f32(round::Down, a);
            RcpRpF32           "rcp.rp.ftz?.f32"                  (f32) -> f32 Special*1: |a| round::div_f32(round::Up, 1.0, a);
            SqrtRpF32          "sqrt.rp.ftz?.f32"                 (f32) -> f32 Special*1: |a| round::sqrt_f32(round::Up, a);
            RcpRzF64           "rcp.rz.f64"                       (f64) -> f64 Special*1 cold: |a| round::div_f64(round::Zero, 1.0, a);
            SqrtRzF64          "sqrt.rz.f64"                      (f64) -> f64 Special*1 cold: |a| round::sqrt_f64(round::Zero, a);
            RcpRmF64           "rcp.rm.f64"                       (f64) -> f64 Special*1 cold: |a| round::div_f64(round::Down, 1.0, a);
            SqrtRmF64          "sqrt.rm.f64"                      (f64) -> f64 Special*1 cold: |a| round::sqrt_f64(round::Down, a);
            RcpRpF64           "rcp.rp.f64"                       (f64) -> f64 Special*1 cold: |a| round::div_f64(round::Up, 1.0, a);
            SqrtRpF64          "sqrt.rp.f64"                      (f64) -> f64 Special*1 cold: |a| round::sqrt_f64(round::Up, a);

            // Half precision.
            AddF16             "add.rn?.ftz?.sat?.f16"            (f16 f16) -> f16 Float*1: |a, b| a.zip(b, |a, b| a + b);
            SubF16             "sub.rn?.ftz?.sat?.f16"            (f16 f16) -> f16 Float*1: |a, b| a.zip(b, |a, b| a - b);
            MulF16             "mul.rn?.ftz?.sat?.f16"            (f16 f16) -> f16 Float*1: |a, b| a.zip(b, |a, b| a * b);
            FmaF16             "fma.rn.ftz?.sat|relu?.f16"        (f16 f16 f16) -> f16 Float*2: |a, b, c| a.fma(b, c);
            FmaOobF16          "fma.rn.oob.relu?.f16"             (f16 f16 f16) -> f16 Float*2 cold: |a, b, c| a.fma(b, c);
            NegF16             "neg.ftz?.f16"                     (f16) -> f16 Float: |a| a.neg();
            AbsF16             "abs.ftz?.f16"                     (f16) -> f16 Float: |a| a.abs();
            MinF16             "min.ftz?.f16"                     (f16 f16) -> f16 Float: |a, b| a.zip(b, float::min_f32);
            MinNanF16          "min.ftz?.NaN.f16"                 (f16 f16) -> f16 Float cold: |a, b| a.zip(b, float::min_nan_f32);
            MinXorsignF16      "min.ftz?.xorsign.abs.f16"         (f16 f16) -> f16 Float cold: |a, b| a.zip(b, |a, b| float::xorsign(a, b, float::min_f32));
            MinNanXorsignF16   "min.ftz?.NaN.xorsign.abs.f16"     (f16 f16) -> f16 Float cold: |a, b| a.zip(b, |a, b| float::xorsign(a, b, float::min_nan_f32));
            MaxF16             "max.ftz?.f16"                     (f16 f16) -> f16 Float: |a, b| a.zip(b, float::max_f32);
            MaxNanF16          "max.ftz?.NaN.f16"                 (f16 f16) -> f16 Float cold: |a, b| a.zip(b, float::max_nan_f32);
            MaxXorsignF16      "max.ftz?.xorsign.abs.f16"         (f16 f16) -> f16 Float cold: |a, b| a.zip(b, |a, b| float::xorsign(a, b, float::max_f32));
            MaxNanXorsignF16   "max.ftz?.NaN.xorsign.abs.f16"     (f16 f16) -> f16 Float cold: |a, b| a.zip(b, |a, b| float::xorsign(a, b, float::max_nan_f32));
            Ex2F16             "ex2.approx.f16"                   (f16) -> f16 Special*1 cold: |a| a.map(approx::ex2);
            TanhF16            "tanh.approx.f16"                  (f16) -> f16 Special*1 cold: |a| a.map(approx::tanh);
            AddBf16            "add.rn?.bf16"                     (bf16 bf16) -> bf16 Float*1: |a, b| a.zip(b, |a, b| a + b);
            SubBf16            "sub.rn?.bf16"                     (bf16 bf16) -> bf16 Float*1: |a, b| a.zip(b, |a, b| a - b);
            MulBf16            "mul.rn?.bf16"                     (bf16 bf16) -> bf16 Float*1: |a, b| a.zip(b, |a, b| a * b);
            FmaBf16            "fma.rn.relu?.bf16"                (bf16 bf16 bf16) -> bf16 Float*2: |a, b, c| a.fma(b, c);
            FmaOobBf16         "fma.rn.oob.relu?.bf16"            (bf16 bf16 bf16) -> bf16 Float*2 cold: |a, b, c| a.fma(b, c);
            NegBf16            "neg.bf16"                         (bf16) -> bf16 Float: |a| a.neg();
            AbsBf16            "abs.bf16"                         (bf16) -> bf16 Float: |a| a.abs();
            MinBf16            "min.bf16"                         (bf16 bf16) -> bf16 Float: |a, b| a.zip(b, float::min_f32);
            MinNanBf16         "min.NaN.bf16"                     (bf16 bf16) -> bf16 Float cold: |a, b| a.zip(b, float::min_nan_f32);
            MinXorsignBf16     "min.xorsign.abs.bf16"             (bf16 bf16) -> bf16 Float cold: |a, b| a.zip(b, |a, b| float::xorsign(a, b, float::min_f32));
            MinNanXorsignBf16  "min.NaN.xorsign.abs.bf16"         (bf16 bf16) -> bf16 Float cold: |a, b| a.zip(b, |a, b| float::xorsign(a, b, float::min_nan_f32));
            MaxBf16            "max.bf16"                         (bf16 bf16) -> bf16 Float: |a, b| a.zip(b, float::max_f32);
            MaxNanBf16         "max.NaN.bf16"                     (bf16 bf16) -> bf16 Float cold: |a, b| a.zip(b, float::max_nan_f32);
            MaxXorsignBf16     "max.xorsign.abs.bf16"             (bf16 bf16) -> bf16 Float cold: |a, b| a.zip(b, |a, b| float::xorsign(a, b, float::max_f32));
            MaxNanXorsignBf16  "max.NaN.xorsign.abs.bf16"         (bf16 bf16) -> bf16 Float cold: |a, b| a.zip(b, |a, b| float::xorsign(a, b, float::max_nan_f32));
            Ex2Bf16            "ex2.approx.ftz.bf16"              (bf16) -> bf16 Special*1 cold: |a| a.map(|x| float::flush(approx::ex2(x)));
            TanhBf16           "tanh.approx.bf16"                 (bf16) -> bf16 Special*1 cold: |a| a.map(approx::tanh);
            AddF16x2           "add.rn?.ftz?.sat?.f16x2"          (f16x2 f16x2) -> f16x2 Float*2: |a, b| a.zip(b, |a, b| a.zip(b, |a, b| a + b));
            SubF16x2           "sub.rn?.ftz?.sat?.f16x2"          (f16x2 f16x2) -> f16x2 Float*2: |a, b| a.zip(b, |a, b| a.zip(b, |a, b| a - b));
            MulF16x2           "mul.rn?.ftz?.sat?.f16x2"          (f16x2 f16x2) -> f16x2 Float*2: |a, b| a.zip(b, |a, b| a.zip(b, |a, b| a * b));
            FmaF16x2           "fma.rn.ftz?.sat|relu?.f16x2"      (f16x2 f16x2 f16x2) -> f16x2 Float*4: |a, b, c| a.fma(b, c);
            FmaOobF16x2        "fma.rn.oob.relu?.f16x2"           (f16x2 f16x2 f16x2) -> f16x2 Float*4: |a, b, c| a.fma(b, c);
            NegF16x2           "neg.ftz?.f16x2"                   (f16x2) -> f16x2 Float: |a| a.map(|a| a.neg());
            AbsF16x2           "abs.ftz?.f16x2"                   (f16x2) -> f16x2 Float: |a| a.map(|a| a.abs());
            MinF16x2           "min.ftz?.f16x2"                   (f16x2 f16x2) -> f16x2 Float: |a, b| a.zip(b, |a, b| a.zip(b, float::min_f32));
            MinNanF16x2        "min.ftz?.NaN.f16x2"               (f16x2 f16x2) -> f16x2 Float cold: |a, b| a.zip(b, |a, b| a.zip(b, float::min_nan_f32));
            MinXorsignF16x2    "min.ftz?.xorsign.abs.f16x2"       (f16x2 f16x2) -> f16x2 Float cold: |a, b| a.zip(b, |a, b| a.zip(b, |a, b| float::xorsign(a, b, float::min_f32)));
            MinNanXorsignF16x2 "min.ftz?.NaN.xorsign.abs.f16x2"   (f16x2 f16x2) -> f16x2 Float cold: |a, b| a.zip(b, |a, b| a.zip(b, |a, b| float::xorsign(a, b, float::min_nan_f32)));
            MaxF16x2           "max.ftz?.f16x2"                   (f16x2 f16x2) -> f16x2 Float: |a, b| a.zip(b, |a, b| a.zip(b, float::max_f32));
            MaxNanF16x2        "max.ftz?.NaN.f16x2"               (f16x2 f16x2) -> f16x2 Float cold: |a, b| a.zip(b, |a, b| a.zip(b, float::max_nan_f32));
            MaxXorsignF16x2    "max.ftz?.xorsign.abs.f16x2"       (f16x2 f16x2) -> f16x2 Float cold: |a, b| a.zip(b, |a, b| a.zip(b, |a, b| float::xorsign(a, b, float::max_f32)));
            MaxNanXorsignF16x2 "max.ftz?.NaN.xorsign.abs.f16x2"   (f16x2 f16x2) -> f16x2 Float cold: |a, b| a.zip(b, |a, b| a.zip(b, |a, b| float::xorsign(a, b, float::max_nan_f32)));
            Ex2F16x2           "ex2.approx.f16x2"                 (f16x2) -> f16x2 Special*2 cold: |a| a.map(|a| a.map(approx::ex2));
            TanhF16x2          "tanh.approx.f16x2"                (f16x2) -> f16x2 Special*2 cold: |a| a.map(|a| a.map(approx::tanh));
            AddBf16x2          "add.rn?.bf16x2"                   (bf16x2 bf16x2) -> bf16x2 Float*2: |a, b| a.zip(b, |a, b| a.zip(b, |a, b| a + b));
            SubBf16x2          "sub.rn?.bf16x2"                   (bf16x2 bf16x2) -> bf16x2 Float*2: |a, b| a.zip(b, |a, b| a.zip(b, |a, b| a - b));
            MulBf16x2          "mul.rn?.bf16x2"                   (bf16x2 bf16x2) -> bf16x2 Float*2: |a, b| a.zip(b, |a, b| a.zip(b, |a, b| a * b));
            FmaBf16x2          "fma.rn.relu?.bf16x2"              (bf16x2 bf16x2 bf16x2) -> bf16x2 Float*4: |a, b, c| a.fma(b, c);
            FmaOobBf16x2       "fma.rn.oob.relu?.bf16x2"          (bf16x2 bf16x2 bf16x2) -> bf16x2 Float*4: |a, b, c| a.fma(b, c);
            NegBf16x2          "neg.bf16x2"                       (bf16x2) -> bf16x2 Float: |a| a.map(|a| a.neg());
            AbsBf16x2          "abs.bf16x2"                       (bf16x2) -> bf16x2 Float: |a| a.map(|a| a.abs());
            MinBf16x2          "min.bf16x2"                       (bf16x2 bf16x2) -> bf16x2 Float: |a, b| a.zip(b, |a, b| a.zip(b, float::min_f32));
            MinNanBf16x2       "min.NaN.bf16x2"                   (bf16x2 bf16x2) -> bf16x2 Float cold: |a, b| a.zip(b, |a, b| a.zip(b, float::min_nan_f32));
            MinXorsignBf16x2   "min.xorsign.abs.bf16x2"           (bf16x2 bf16x2) -> bf16x2 Float cold: |a, b| a.zip(b, |a, b| a.zip(b, |a, b| float::xorsign(a, b, float::min_f32)));
            MinNanXorsignBf16x2 "min.NaN.xorsign.abs.bf16x2"       (bf16x2 bf16x2) -> bf16x2 Float cold: |a, b| a.zip(b, |a, b| a.zip(b, |a, b| float::xorsign(a, b, float::min_nan_f32)));
            MaxBf16x2          "max.bf16x2"                       (bf16x2 bf16x2) -> bf16x2 Float: |a, b| a.zip(b, |a, b| a.zip(b, float::max_f32));
            MaxNanBf16x2       "max.NaN.bf16x2"                   (bf16x2 bf16x2) -> bf16x2 Float cold: |a, b| a.zip(b, |a, b| a.zip(b, float::max_nan_f32));
            MaxXorsignBf16x2   "max.xorsign.abs.bf16x2"           (bf16x2 bf16x2) -> bf16x2 Float cold: |a, b| a.zip(b, |a, b| a.zip(b, |a, b| float::xorsign(a, b, float::max_f32)));
            MaxNanXorsignBf16x2 "max.NaN.xorsign.abs.bf16x2"       (bf16x2 bf16x2) -> bf16x2 Float cold: |a, b| a.zip(b, |a, b| a.zip(b, |a, b| float::xorsign(a, b, float::max_nan_f32)));
            Ex2Bf16x2          "ex2.approx.ftz.bf16x2"            (bf16x2) -> bf16x2 Special*2 cold: |a| a.map(|a| a.map(|x| float::flush(approx::ex2(x))));
            TanhBf16x2         "tanh.approx.bf16x2"               (bf16x2) -> bf16x2 Special*2 cold: |a| a.map(|a| a.map(approx::tanh));

            // Comparisons. Decode turns `gt` and `ge` round and spells `lo ls` as `lt le`.
            SetpEqB16          "setp.eq.b16|u16|s16"              (b16 b16) -> pred Move: |a, b| (a == b).into();
            SetpNeB16          "setp.ne.b16|u16|s16"              (b16 b16) -> pred Move: |a, b| (a != b).into();
            SetpEqB32          "setp.eq.b32|u32|s32"              (b32 b32) -> pred Move: |a, b| (a == b).into();
            SetpNeB32          "setp.ne.b32|u32|s32"              (b32 b32) -> pred Move: |a, b| (a != b).into();
            SetpEqB64          "setp.eq.b64|u64|s64"              (b64 b64) -> pred Move: |a, b| (a == b).into();
            SetpNeB64          "setp.ne.b64|u64|s64"              (b64 b64) -> pred Move: |a, b| (a != b).into();
            SetpLtU16          "setp.lt.u16"                      (u16 u16) -> pred Move: |a, b| (a < b).into();
            SetpLeU16          "setp.le.u16"                      (u16 u16) -> pred Move: |a, b| (a <= b).into();
            SetpLtS16          "setp.lt.s16"                      (s16 s16) -> pred Move: |a, b| (a < b).into();
            SetpLeS16          "setp.le.s16"                      (s16 s16) -> pred Move: |a, b| (a <= b).into();
            SetpLtU32          "setp.lt.u32"                      (u32 u32) -> pred Move: |a, b| (a < b).into();
            SetpLeU32          "setp.le.u32"                      (u32 u32) -> pred Move: |a, b| (a <= b).into();
            SetpLtS32          "setp.lt.s32"                      (s32 s32) -> pred Move: |a, b| (a < b).into();
            SetpLeS32          "setp.le.s32"                      (s32 s32) -> pred Move: |a, b| (a <= b).into();
            SetpLtU64          "setp.lt.u64"                      (u64 u64) -> pred Move: |a, b| (a < b).into();
            SetpLeU64          "setp.le.u64"                      (u64 u64) -> pred Move: |a, b| (a <= b).into();
            SetpLtS64          "setp.lt.s64"                      (s64 s64) -> pred Move: |a, b| (a < b).into();
            SetpLeS64          "setp.le.s64"                      (s64 s64) -> pred Move: |a, b| (a <= b).into();
            SetpEqF32          "setp.eq.ftz?.f32"                 (f32 f32) -> pred Move: |a, b| (a == b).into();
            SetpNeF32          "setp.ne.ftz?.f32"                 (f32 f32) -> pred Move: |a, b| (a < b || a > b).into();
            SetpLtF32          "setp.lt.ftz?.f32"                 (f32 f32) -> pred Move: |a, b| (a < b).into();
            SetpLeF32          "setp.le.ftz?.f32"                 (f32 f32) -> pred Move: |a, b| (a <= b).into();
            SetpEquF32         "setp.equ.ftz?.f32"                (f32 f32) -> pred Move: |a, b| (!(a < b || a > b)).into();
            SetpNeuF32         "setp.neu.ftz?.f32"                (f32 f32) -> pred Move: |a, b| (a != b).into();
            SetpLtuF32         "setp.ltu.ftz?.f32"                (f32 f32) -> pred Move: |a, b| (!(a >= b)).into();
            SetpLeuF32         "setp.leu.ftz?.f32"                (f32 f32) -> pred Move: |a, b| (!(a > b)).into();
            SetpNumF32         "setp.num.ftz?.f32"                (f32 f32) -> pred Move cold: |a, b| (!a.is_nan() && !b.is_nan()).into();
            SetpNanF32         "setp.nan.ftz?.f32"                (f32 f32) -> pred Move cold: |a, b| (a.is_nan() || b.is_nan()).into();
            SetpEqF64          "setp.eq.f64"                      (f64 f64) -> pred Move: |a, b| (a == b).into();
            SetpNeF64          "setp.ne.f64"                      (f64 f64) -> pred Move: |a, b| (a < b || a > b).into();
            SetpLtF64          "setp.lt.f64"                      (f64 f64) -> pred Move: |a, b| (a < b).into();
            SetpLeF64          "setp.le.f64"                      (f64 f64) -> pred Move: |a, b| (a <= b).into();
            SetpEquF64         "setp.equ.f64"                     (f64 f64) -> pred Move: |a, b| (!(a < b || a > b)).into();
            SetpNeuF64         "setp.neu.f64"                     (f64 f64) -> pred Move: |a, b| (a != b).into();
            SetpLtuF64         "setp.ltu.f64"                     (f64 f64) -> pred Move: |a, b| (!(a >= b)).into();
            SetpLeuF64         "setp.leu.f64"                     (f64 f64) -> pred Move: |a, b| (!(a > b)).into();
            SetpNumF64         "setp.num.f64"                     (f64 f64) -> pred Move cold: |a, b| (!a.is_nan() && !b.is_nan()).into();
            SetpNanF64         "setp.nan.f64"                     (f64 f64) -> pred Move cold: |a, b| (a.is_nan() || b.is_nan()).into();
            SetpEqF16          "setp.eq.ftz?.f16"                 (f16 f16) -> pred Move cold: |a, b| a.compare(b, |a, b| a == b).into();
            SetpNeF16          "setp.ne.ftz?.f16"                 (f16 f16) -> pred Move cold: |a, b| a.compare(b, |a, b| a < b || a > b).into();
            SetpLtF16          "setp.lt.ftz?.f16"                 (f16 f16) -> pred Move cold: |a, b| a.compare(b, |a, b| a < b).into();
            SetpLeF16          "setp.le.ftz?.f16"                 (f16 f16) -> pred Move cold: |a, b| a.compare(b, |a, b| a <= b).into();
            SetpEquF16         "setp.equ.ftz?.f16"                (f16 f16) -> pred Move cold: |a, b| a.compare(b, |a, b| !(a < b || a > b)).into();
            SetpNeuF16         "setp.neu.ftz?.f16"                (f16 f16) -> pred Move cold: |a, b| a.compare(b, |a, b| a != b).into();
            SetpLtuF16         "setp.ltu.ftz?.f16"                (f16 f16) -> pred Move cold: |a, b| a.compare(b, |a, b| !(a >= b)).into();
            SetpLeuF16         "setp.leu.ftz?.f16"                (f16 f16) -> pred Move cold: |a, b| a.compare(b, |a, b| !(a > b)).into();
            SetpNumF16         "setp.num.ftz?.f16"                (f16 f16) -> pred Move cold: |a, b| a.compare(b, |a, b| !a.is_nan() && !b.is_nan()).into();
            SetpNanF16         "setp.nan.ftz?.f16"                (f16 f16) -> pred Move cold: |a, b| a.compare(b, |a, b| a.is_nan() || b.is_nan()).into();
            SetpEqBf16         "setp.eq.bf16"                     (bf16 bf16) -> pred Move cold: |a, b| a.compare(b, |a, b| a == b).into();
            SetpNeBf16         "setp.ne.bf16"                     (bf16 bf16) -> pred Move cold: |a, b| a.compare(b, |a, b| a < b || a > b).into();
            SetpLtBf16         "setp.lt.bf16"                     (bf16 bf16) -> pred Move cold: |a, b| a.compare(b, |a, b| a < b).into();
            SetpLeBf16         "setp.le.bf16"                     (bf16 bf16) -> pred Move cold: |a, b| a.compare(b, |a, b| a <= b).into();
            SetpEquBf16        "setp.equ.bf16"                    (bf16 bf16) -> pred Move cold: |a, b| a.compare(b, |a, b| !(a < b || a > b)).into();
            SetpNeuBf16        "setp.neu.bf16"                    (bf16 bf16) -> pred Move cold: |a, b| a.compare(b, |a, b| a != b).into();
            SetpLtuBf16        "setp.ltu.bf16"                    (bf16 bf16) -> pred Move cold: |a, b| a.compare(b, |a, b| !(a >= b)).into();
            SetpLeuBf16        "setp.leu.bf16"                    (bf16 bf16) -> pred Move cold: |a, b| a.compare(b, |a, b| !(a > b)).into();
            SetpNumBf16        "setp.num.bf16"                    (bf16 bf16) -> pred Move cold: |a, b| a.compare(b, |a, b| !a.is_nan() && !b.is_nan()).into();
            SetpNanBf16        "setp.nan.bf16"                    (bf16 bf16) -> pred Move cold: |a, b| a.compare(b, |a, b| a.is_nan() || b.is_nan()).into();

            // Selection.
            SelpB16            "selp.b16|u16|s16"                 (b16 b16 pred) -> b16 Move: |a, b, p| if p.is_set() { a } else { b };
            SelpB32            "selp.b32|u32|s32|f32"             (b32 b32 pred) -> b32 Move: |a, b, p| if p.is_set() { a } else { b };
            SelpB64            "selp.b64|u64|s64|f64"             (b64 b64 pred) -> b64 Move: |a, b, p| if p.is_set() { a } else { b };
            SlctB16S32         "slct.b16|u16|s16.s32"             (b16 b16 s32) -> b16 Move cold: |a, b, c| if c >= 0 { a } else { b };
            SlctB16F32         "slct.ftz?.b16|u16|s16.f32"        (b16 b16 f32) -> b16 Move cold: |a, b, c| if c >= 0.0 { a } else { b };
            SlctB32S32            "slct.b32|u32|s32|f32.s32"         (b32 b32 s32) -> b32 Move cold: |a, b, c| if c >= 0 { a } else { b };
            SlctB32F32            "slct.ftz?.b32|u32|s32|f32.f32"    (b32 b32 f32) -> b32 Move cold: |a, b, c| if c >= 0.0 { a } else { b };
            SlctB64S32            "slct.b64|u64|s64|f64.s32"         (b64 b64 s32) -> b64 Move cold: |a, b, c| if c >= 0 { a } else { b };
            SlctB64F32            "slct.ftz?.b64|u64|s64|f64.f32"    (b64 b64 f32) -> b64 Move cold: |a, b, c| if c >= 0.0 { a } else { b };

            // Moves; packing and unpacking of `{low, high}`. A spelling with a blank is decode's own.
            MovB16             "mov.b16|u16|s16"                  (b16) -> b16 Move: |a| a;
            MovB32             "mov.b32|u32|s32|f32"              (b32) -> b32 Move: |a| a;
            MovB64             "mov.b64|u64|s64|f64"              (b64) -> b64 Move: |a| a;
            PackB32            "mov pack.b32"                     (b16 b16) -> b32 Move: |low, high| u32::from(low) | u32::from(high) << 16;
            PackB64            "mov pack.b64"                     (b32 b32) -> b64 Move: |low, high| u64::from(low) | u64::from(high) << 32;
            PackB16            "mov pack.b16"                     (b8 b8) -> b16 Move cold: |low, high| u16::from(low) | u16::from(high) << 8;
            LowB16             "mov low.b16"                      (b16) -> b8 Move cold: |a| a as u8;
            HighB16            "mov high.b16"                     (b16) -> b8 Move cold: |a| (a >> 8) as u8;
            LowB32             "mov low.b32"                      (b32) -> b16 Move: |a| a as u16;
            HighB32            "mov high.b32"                     (b32) -> b16 Move: |a| (a >> 16) as u16;
            LowB64             "mov low.b64"                      (b64) -> b32 Move: |a| a as u32;
            HighB64            "mov high.b64"                     (b64) -> b32 Move: |a| (a >> 32) as u32;

            // Conversions that compilers use all the time; every other one goes through `Convert`.
            CvtU64U32          "cvt.u64|s64.u32"                  (u32) -> u64 Convert: |a| u64::from(a);
            CvtS64S32          "cvt.u64|s64.s32"                  (s32) -> s64 Convert: |a| i64::from(a);
            CvtU32U64          "cvt.u32|s32.u64|s64"              (u64) -> u32 Convert: |a| a as u32;
            CvtU32U16          "cvt.u32|s32.u16"                  (u16) -> u32 Convert: |a| u32::from(a);
            CvtS32S16          "cvt.u32|s32.s16"                  (s16) -> s32 Convert: |a| i32::from(a);
            CvtU16U32          "cvt.u16|s16.u32|s32"              (u32) -> u16 Convert: |a| a as u16;
            CvtF32S32          "cvt.rn.f32.s32"                   (s32) -> f32 Convert: |a| a as f32;
            CvtF32U32          "cvt.rn.f32.u32"                   (u32) -> f32 Convert: |a| a as f32;
            CvtS32F32          "cvt.rzi.ftz?.s32.f32"             (f32) -> s32 Convert: |a| a as i32;
            CvtU32F32          "cvt.rzi.ftz?.u32.f32"             (f32) -> u32 Convert: |a| a as u32;
            CvtRniS32F32       "cvt.rni.ftz?.s32.f32"             (f32) -> s32 Convert: |a| a.round_ties_even() as i32;
            CvtF64F32          "cvt.f64.f32"                      (f32) -> f64 Convert: |a| f64::from(a);
            CvtF32F64          "cvt.rn.ftz?.f32.f64"              (f64) -> f32 Convert: |a| a as f32;
            CvtF64S32          "cvt.rn|rz|rm|rp.f64.s32"          (s32) -> f64 Convert: |a| f64::from(a);
            CvtF64U32          "cvt.rn|rz|rm|rp.f64.u32"          (u32) -> f64 Convert: |a| f64::from(a);
            CvtF32F16          "cvt.f32.f16"                      (f16) -> f32 Convert: |a| a.to_f32();
            CvtF32Bf16         "cvt.f32.bf16"                     (bf16) -> f32 Convert: |a| a.to_f32();
            CvtF16F32          "cvt.rn.f16.f32"                   (f32) -> f16 Convert: |a| f16::from_f32(a);
            CvtBf16F32         "cvt.rn.bf16.f32"                  (f32) -> bf16 Convert: |a| bf16::from_f32(a);
            CvtF16x2F32        "cvt.rn.f16x2.f32"                 (f32 f32) -> f16x2 Convert: |high, low| f16x2::join(f16::from_f32(low), f16::from_f32(high));
            CvtBf16x2F32       "cvt.rn.bf16x2.f32"                (f32 f32) -> bf16x2 Convert: |high, low| bf16x2::join(bf16::from_f32(low), bf16::from_f32(high));

            // Two words clamped and packed; the first of them above the second.
            CvtPackU16         "cvt.pack.sat.u16.s32"             (s32 s32) -> b32 Convert cold: |a, b| int::pack(a, b, 0, 16, false);
            CvtPackS16         "cvt.pack.sat.s16.s32"             (s32 s32) -> b32 Convert cold: |a, b| int::pack(a, b, 0, 16, true);
            CvtPackU8          "cvt.pack.sat.u8.s32.b32"          (s32 s32 b32) -> b32 Convert cold: |a, b, c| int::pack(a, b, c, 8, false);
            CvtPackS8          "cvt.pack.sat.s8.s32.b32"          (s32 s32 b32) -> b32 Convert cold: |a, b, c| int::pack(a, b, c, 8, true);
            CvtPackU4          "cvt.pack.sat.u4.s32.b32"          (s32 s32 b32) -> b32 Convert cold: |a, b, c| int::pack(a, b, c, 4, false);
            CvtPackS4          "cvt.pack.sat.s4.s32.b32"          (s32 s32 b32) -> b32 Convert cold: |a, b, c| int::pack(a, b, c, 4, true);
            CvtPackU2          "cvt.pack.sat.u2.s32.b32"          (s32 s32 b32) -> b32 Convert cold: |a, b, c| int::pack(a, b, c, 2, false);
            CvtPackS2          "cvt.pack.sat.s2.s32.b32"          (s32 s32 b32) -> b32 Convert cold: |a, b, c| int::pack(a, b, c, 2, true);
        }
    };
}
pub(crate) use for_each_lane_op;

/// Hands the operations that are not lane by lane to the macro named: name, class and what it is.
macro_rules! for_each_other_op {
    ($consumer:ident $($state:tt)*) => {
        $consumer! { $($state)*
            ReadSpecial Move "reads a special register";
            PredMov Move "copies a predicate";
            PredNot Move "negates a predicate";
            PredAnd Move "combines predicates";
            PredOr Move "combines predicates";
            PredXor Move "combines predicates";
            Lop3 Integer "any function of three words, by truth table";
            Video Integer "a video instruction, scalar or SIMD within a word";
            Convert Convert "a conversion without a row of its own";
            Load Memory "a load from any space";
            Store Memory "a store to any space";
            Atomic Memory "an atomic, with or without result";
            CheckAlignment Memory "checks that 32 bytes a lane are aligned to that";
            Prefetch Memory "a hint without effect";
            LoadMatrix Memory "ldmatrix";
            StoreMatrix Memory "stmatrix";
            TransposeMatrix Warp "movmatrix";
            Multiply Tensor "mma and wmma.mma";
            CopyAsync Memory "cp.async";
            CommitCopies Memory "cp.async.commit_group";
            WaitCopies Memory "cp.async.wait_group";
            WaitAllCopies Memory "cp.async.wait_all";
            BarrierInit Memory "mbarrier.init and mbarrier.inval";
            BarrierArrive Memory "mbarrier.arrive and mbarrier.arrive_drop";
            BarrierExpect Memory "mbarrier.expect_tx";
            BarrierComplete Memory "mbarrier.complete_tx";
            BarrierTest Barrier "mbarrier.test_wait and mbarrier.try_wait";
            BarrierTrack Memory "cp.async.mbarrier.arrive";
            BulkLoad Memory "cp.async.bulk to shared memory";
            BulkStore Memory "cp.async.bulk to global memory";
            CommitBulk Memory "cp.async.bulk.commit_group";
            WaitBulk Memory "cp.async.bulk.wait_group";
            ShuffleUp Warp "shfl.sync.up";
            ShuffleDown Warp "shfl.sync.down";
            ShuffleBfly Warp "shfl.sync.bfly";
            ShuffleIdx Warp "shfl.sync.idx";
            Vote Warp "vote.sync";
            Match Warp "match.sync";
            Reduce Warp "redux.sync";
            ActiveMask Warp "activemask";
            Elect Warp "elect.sync";
            WarpBarrier Barrier "bar.warp.sync";
            Fence Barrier "membar and fence; the emulator's memory is always in order";
            Sleep Control "nanosleep";
            Pause Control "hints without effect";
            Branch Control "ends a block: bra";
            BranchIndexed Control "ends a block: brx.idx";
            Call Control "ends a block: call";
            Return Control "ends a block: ret in a function";
            Exit Control "ends a block: exit, and ret in a kernel";
            Trap Control "ends a block: trap and brkpt";
            Barrier Barrier "ends a block: bar and barrier";
        }
    };
}

/// What an instruction counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Class {
    Float,
    Integer,
    Special,
    Memory,
    Control,
    Convert,
    Move,
    Warp,
    Barrier,
    Tensor,
}

/// The floating-point type that an operation computes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Precision {
    F16,
    Bf16,
    F32,
    F64,
}

impl Precision {
    /// That of a result of this lane type; a pair computes in its halves' type, and what is no float counts as single.
    const fn of(lane_type: &str) -> Self {
        match lane_type.as_bytes() {
            b"f16" | b"f16x2" => Precision::F16,
            b"bf16" | b"bf16x2" => Precision::Bf16,
            b"f64" => Precision::F64,
            _ => Precision::F32,
        }
    }
}

/// The kind of an operand of a lane operation, by PTX's rules of which registers fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `.bN`: any register of N bits.
    Bits(u8),
    /// `.uN` and `.sN`: integer or untyped registers of N bits.
    Integer(u8),
    /// `.fN`: that float type, or untyped registers of its size.
    Float(u8),
    /// A pair of half-precision numbers in 32 untyped bits.
    Pair,
    /// A predicate.
    Predicate,
}

impl Kind {
    /// From a lane type's name in the table.
    pub(crate) const fn named(name: &str) -> Self {
        match name.as_bytes() {
            b"b8" => Kind::Bits(8),
            b"b16" => Kind::Bits(16),
            b"b32" => Kind::Bits(32),
            b"b64" | b"f32x2" => Kind::Bits(64),
            b"u16" | b"s16" => Kind::Integer(16),
            b"u32" | b"s32" => Kind::Integer(32),
            b"u64" | b"s64" => Kind::Integer(64),
            b"f16" | b"bf16" => Kind::Float(16),
            b"f32" | b"raw32" => Kind::Float(32),
            b"f64" => Kind::Float(64),
            b"f16x2" | b"bf16x2" => Kind::Pair,
            _ => Kind::Predicate,
        }
    }

    /// The file that holds such an operand.
    pub(crate) const fn file(self) -> File {
        match self {
            Kind::Bits(64 | 128) | Kind::Integer(64) | Kind::Float(64) => File::Wide,
            Kind::Predicate => File::Predicate,
            _ => File::Narrow,
        }
    }
}

/// A row of the table, as decode sees it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) code: Code,
    /// Opcode and modifiers, with alternatives and options.
    pub(crate) spelling: &'static str,
    pub(crate) inputs: &'static [Kind],
    pub(crate) output: Kind,
    pub(crate) class: Class,
    /// Floating-point operations a lane.
    pub(crate) flops: u8,
    /// The type that a floating-point operation computes in.
    pub(crate) precision: Precision,
    /// Whether its loop is compiled for the baseline only.
    pub(crate) cold: bool,
}

macro_rules! define {
    ($($name:ident $spelling:literal ($($input:ident)*) -> $output:ident $class:ident $(* $flops:literal)? $($cold:ident)?:
        |$($argument:ident),*| $body:expr;)*) => {
        for_each_other_op! { define_code [$($name $spelling,)*] }

        /// The rows, in the order of [`Code`].
        pub(crate) static ROWS: &[Row] = &[ $( Row {
            code: Code::$name,
            spelling: $spelling,
            inputs: const { &[$(Kind::named(stringify!($input))),*] },
            output: const { Kind::named(stringify!($output)) },
            class: Class::$class,
            flops: 0 $(+ $flops)?,
            precision: const { Precision::of(stringify!($output)) },
            cold: false $(|| matches!(stringify!($cold).as_bytes(), b"cold"))?,
        } ),* ];
    };
}

macro_rules! define_code {
    ([$($lane:ident $spelling:literal,)*] $($other:ident $class:ident $what:literal;)*) => {
        /// What an instruction does. The rows of the table come first.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub(crate) enum Code {
            $( #[doc = $spelling] $lane, )*
            $( #[doc = $what] $other, )*
        }

        /// Every code, in order.
        #[cfg(test)]
        const ALL: &[Code] = &[ $( Code::$lane, )* $( Code::$other, )* ];

        /// Counting classes of the operations after the table's.
        const OTHER_CLASSES: &[Class] = &[ $( Class::$class ),* ];
    };
}

for_each_lane_op! { define }

impl Code {
    /// Whether lanes execute it with all that their member masks name.
    pub(crate) fn is_collective(self) -> bool {
        use Code::{
            Elect, Match, Reduce, ShuffleBfly, ShuffleDown, ShuffleIdx, ShuffleUp, Vote, WarpBarrier,
        };
        matches!(
            self,
            Elect | Match | Reduce | ShuffleBfly | ShuffleDown | ShuffleIdx | ShuffleUp | Vote | WarpBarrier
        )
    }

    /// The table's row, if the operation works lane by lane.
    pub(crate) fn row(self) -> Option<&'static Row> {
        ROWS.get(self as usize)
    }

    /// What it counts as.
    pub(crate) fn class(self) -> Class {
        self.row().map_or_else(|| OTHER_CLASSES[self as usize - ROWS.len()], |row| row.class)
    }

    /// Whether its loop is compiled for the baseline only.
    pub(crate) fn is_cold(self) -> bool {
        self.row().is_some_and(|row| row.cold)
    }

    /// Floating-point operations a lane.
    pub(crate) fn flops(self) -> u8 {
        self.row().map_or(0, |row| row.flops)
    }

    /// The type that a floating-point operation computes in.
    pub(crate) fn precision(self) -> Precision {
        self.row().map_or(Precision::F32, |row| row.precision)
    }
}

/// Whether `.ftz`, `.sat` or `.relu` may stand in a spelling, so that the row needs the loop that applies them.
pub(crate) const fn takes_modifiers(spelling: &str) -> bool {
    let bytes = spelling.as_bytes();
    let mut i = 0;
    while i + 4 < bytes.len() {
        // Each of them is the last or the only choice of its option.
        if bytes[i + 4] == b'?' {
            match (bytes[i + 1], bytes[i + 2], bytes[i + 3]) {
                (b'f', b't', b'z') | (b's', b'a', b't') | (b'e', b'l', b'u') => return true,
                _ => {}
            }
        }
        i += 1;
    }
    false
}

#[cfg(test)]
mod coverage;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_their_codes() {
        for (index, row) in ROWS.iter().enumerate() {
            assert_eq!(row.code as usize, index, "{}", row.spelling);
            assert!((1..=4).contains(&row.inputs.len()), "{}", row.spelling);
        }
    }

    #[test]
    fn spellings_are_unique() {
        let mut seen = HashSet::new();
        for row in ROWS {
            assert!(seen.insert(row.spelling), "{} stands twice", row.spelling);
        }
    }

    #[test]
    fn modifiers_are_found_in_spellings() {
        assert!(takes_modifiers("add.rn?.ftz?.sat?.f32"));
        assert!(takes_modifiers("ex2.approx.ftz?.f32"));
        assert!(takes_modifiers("fma.rn.sat|relu?.f16"));
        assert!(takes_modifiers("fma.rn.oob.relu?.bf16"));
        assert!(!takes_modifiers("rcp.approx.ftz.f64"));
        assert!(!takes_modifiers("and.b32"));
    }
}
