//! `mbarrier`, and the copies that it counts.

use pipe_ptx::ast::Operand;

use super::{Decoder, Outcome, Parts};
use crate::{
    instruction::{Access, Instruction, NO_SLOT, Space},
    isa::{Code, Kind},
    registers::{File, Slot},
};

/// Takes the modifiers out that say how memory is ordered, for whom, and where the object is.
fn plain<'a>(modifiers: &[&'a str]) -> Option<(Vec<&'a str>, Space)> {
    let mut space = Space::Generic;
    let mut rest = Vec::new();
    for modifier in modifiers {
        match *modifier {
            "relaxed" | "acquire" | "release" | "cta" | "cluster" => {}
            // The shared memory of a cluster of one block is the block's.
            "shared" | "shared::cta" | "shared::cluster" => space = Space::Shared,
            other => rest.push(other),
        }
    }
    (rest.pop() == Some("b64")).then_some((rest, space))
}

impl Decoder<'_> {
    pub(super) fn mbarrier(&mut self, parts: &Parts<'_>) -> Outcome {
        if parts.modifiers == ["pending_count", "b64"] {
            return self.pending_count(parts);
        }
        let (modifiers, space) = plain(&parts.modifiers).ok_or_else(|| parts.unsupported())?;
        match (&modifiers[..], parts.operands) {
            (["init"], [object, count]) => {
                let a = self.source(count, Kind::Integer(32))?;
                self.on_object(parts, Code::BarrierInit, object, space, |code| code.a = a)
            }
            (["inval"], [object]) => self.on_object(parts, Code::BarrierInit, object, space, |_| {}),
            (["expect_tx"], [object, bytes]) => {
                let a = self.source(bytes, Kind::Integer(32))?;
                self.on_object(parts, Code::BarrierExpect, object, space, |code| code.a = a)
            }
            (["complete_tx"], [object, bytes]) => {
                let a = self.source(bytes, Kind::Integer(32))?;
                self.on_object(parts, Code::BarrierComplete, object, space, |code| code.a = a)
            }
            ([arrival @ ("arrive" | "arrive_drop"), rest @ ..], [state, object, count @ ..])
                if count.len() <= 1 =>
            {
                let (a, b) = match (rest, count) {
                    ([], []) => (NO_SLOT, NO_SLOT),
                    ([] | ["noComplete"], [count]) => (self.source(count, Kind::Integer(32))?, NO_SLOT),
                    (["expect_tx"], [bytes]) => (NO_SLOT, self.source(bytes, Kind::Integer(32))?),
                    _ => return Err(parts.unsupported()),
                };
                let c = if *arrival == "arrive_drop" { self.narrow(1) } else { NO_SLOT };
                let d = self.state(state)?;
                self.on_object(parts, Code::BarrierArrive, object, space, |code| {
                    (code.a, code.b, code.c, code.d) = (a, b, c, d);
                })
            }
            // Without a state it is the same.
            ([arrival @ ("arrive" | "arrive_drop")], [object]) => {
                let c = if *arrival == "arrive_drop" { self.narrow(1) } else { NO_SLOT };
                self.on_object(parts, Code::BarrierArrive, object, space, |code| code.c = c)
            }
            (["test_wait" | "try_wait", rest @ ..], [over, object, phase, hint @ ..])
                if hint.len() <= usize::from(parts.has("try_wait")) =>
            {
                let d = self.destination(over, Kind::Predicate)?;
                let (a, b) = match rest {
                    [] => (self.source(phase, Kind::Bits(64))?, NO_SLOT),
                    ["parity"] => (NO_SLOT, self.source(phase, Kind::Integer(32))?),
                    _ => return Err(parts.unsupported()),
                };
                self.on_object(parts, Code::BarrierTest, object, space, |code| {
                    (code.a, code.b, code.d) = (a, b, d);
                })
            }
            _ => Err(parts.unsupported()),
        }
    }

    /// The register for a state, which may be the sink.
    fn state(&mut self, operand: &Operand) -> Outcome<Slot> {
        match operand {
            Operand::Name(name) if &*name.name == "_" => Ok(NO_SLOT),
            register => self.destination(register, Kind::Bits(64)),
        }
    }

    /// Emits an operation on an object in shared memory.
    fn on_object(
        &mut self,
        parts: &Parts<'_>,
        code: Code,
        object: &Operand,
        space: Space,
        fill: impl FnOnce(&mut Instruction),
    ) -> Outcome {
        let access = self.object(parts, object, space)?;
        let index = self.tables.accesses.len();
        self.tables.accesses.push(access);
        let mut instruction = Instruction { m: index as u16, ..Instruction::new(code) };
        fill(&mut instruction);
        self.count(instruction);
        Ok(())
    }

    fn object(&mut self, parts: &Parts<'_>, object: &Operand, space: Space) -> Outcome<Access> {
        let access = self.plain_access(parts, object, space, 8)?;
        if matches!(access.space, Space::Shared | Space::Generic) {
            return Ok(access);
        }
        Err(parts.problem("an mbarrier lies in shared memory"))
    }

    /// The arrivals that a state says were pending: its low 20 bits.
    fn pending_count(&mut self, parts: &Parts<'_>) -> Outcome {
        let [count, state] = parts.exactly::<2>()?;
        let a = self.source(state, Kind::Bits(64))?;
        let d = self.destination(count, Kind::Integer(32))?;
        let low = self.fresh(File::Narrow);
        self.help(Instruction { d: low, a, ..Instruction::new(Code::LowB64) });
        let b = self.narrow((1 << 20) - 1);
        self.count(Instruction { d, a: low, b, ..Instruction::new(Code::AndB32) });
        Ok(())
    }

    /// `cp.async.mbarrier.arrive`
    pub(super) fn copies_arrive(&mut self, parts: &Parts<'_>) -> Outcome {
        let ["async", "mbarrier", "arrive", rest @ ..] = &parts.modifiers[..] else {
            return Err(parts.unsupported());
        };
        let (rest, counted) = match rest {
            ["noinc", rest @ ..] => (rest, true),
            rest => (rest, false),
        };
        let space = match rest {
            ["b64"] => Space::Generic,
            ["shared" | "shared::cta", "b64"] => Space::Shared,
            _ => return Err(parts.unsupported()),
        };
        let [object] = parts.exactly::<1>()?;
        let a = self.narrow(u32::from(!counted));
        self.on_object(parts, Code::BarrierTrack, object, space, |code| code.a = a)
    }

    /// `cp.async.bulk` without tensors.
    pub(super) fn bulk(&mut self, parts: &Parts<'_>) -> Outcome {
        let ["async", "bulk", rest @ ..] = &parts.modifiers[..] else { return Err(parts.unsupported()) };
        let hint = rest.contains(&"L2::cache_hint");
        let rest: Vec<&str> = rest.iter().copied().filter(|modifier| *modifier != "L2::cache_hint").collect();
        let operands = match parts.operands {
            [operands @ .., _policy] if hint => operands,
            operands => operands,
        };
        match (&rest[..], operands) {
            (["commit_group"], []) => {
                self.count(Instruction::new(Code::CommitBulk));
                Ok(())
            }
            (["wait_group"] | ["wait_group", "read"], [groups]) => {
                let m = super::async_copy::groups(groups)?;
                self.count(Instruction { m, ..Instruction::new(Code::WaitBulk) });
                Ok(())
            }
            (["prefetch", "L2", "global"], [_, _]) => {
                self.count(Instruction::new(Code::Prefetch));
                Ok(())
            }
            (
                ["shared::cluster" | "shared::cta", "global", "mbarrier::complete_tx::bytes"],
                [to, from, size, object],
            ) => {
                let to = self.plain_access(parts, to, Space::Shared, 16)?;
                let from = self.plain_access(parts, from, Space::Global, 16)?;
                let object = self.object(parts, object, Space::Shared)?;
                self.emit_bulk(Code::BulkLoad, &[to, from, object], size)
            }
            (["global", "shared::cta", "bulk_group"], [to, from, size]) => {
                let to = self.plain_access(parts, to, Space::Global, 16)?;
                let from = self.plain_access(parts, from, Space::Shared, 16)?;
                self.emit_bulk(Code::BulkStore, &[to, from], size)
            }
            _ => Err(parts.unsupported()),
        }
    }

    fn emit_bulk(&mut self, code: Code, accesses: &[Access], size: &Operand) -> Outcome {
        let c = self.source(size, Kind::Integer(32))?;
        let index = self.tables.accesses.len() as u16;
        self.tables.accesses.extend_from_slice(accesses);
        self.count(Instruction { m: index, c, ..Instruction::new(code) });
        Ok(())
    }
}
