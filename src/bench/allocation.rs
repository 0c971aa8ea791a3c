//! Strategies of allocation, held against each other on traces.

mod strategy;
mod trace;

pub use self::strategy::{Strategy, UnknownStrategy};
pub(crate) use self::{
    strategy::{Held, Visitor, replay},
    trace::{Event, Trace},
};
