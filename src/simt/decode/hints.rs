//! What tells the caches how to behave: without effect here, but for its result.

use super::{Decoder, Outcome, Parts};
use crate::{
    instruction::Instruction,
    isa::{Code, Kind},
};

impl Decoder<'_> {
    /// `createpolicy`: an opaque number that cache hints take. Here it is 0.
    pub(super) fn create_policy(&mut self, parts: &Parts<'_>) -> Outcome {
        let operands = match parts.modifiers[..] {
            [
                "fractional",
                "L2::evict_last" | "L2::evict_normal" | "L2::evict_first" | "L2::evict_unchanged",
                "b64",
            ]
            | [
                "fractional",
                "L2::evict_last" | "L2::evict_normal" | "L2::evict_first" | "L2::evict_unchanged",
                "L2::evict_first" | "L2::evict_unchanged",
                "b64",
            ] => 1..=2,
            ["range", .., "b64"] => 4..=4,
            ["cvt", "L2", "b64"] => 2..=2,
            _ => return Err(parts.unsupported()),
        };
        if !operands.contains(&parts.operands.len()) {
            return Err(parts.problem(format!("wrong number of operands for `{}`", parts.mnemonic())));
        }
        let d = self.destination(&parts.operands[0], Kind::Bits(64))?;
        let a = self.wide(0);
        self.count(Instruction { d, a, ..Instruction::new(Code::MovB64) });
        Ok(())
    }
}
