//! How a benchmark type measures a case.

use std::{fmt, str::FromStr};

use serde::Deserialize;

use crate::{manifest::word, near::suggestion};

/// What is done with a case of an implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Procedure {
    /// The result is checked, then timed.
    #[default]
    Time,
    /// Slices of a long sequence are checked and timed, the whole is multiplied up.
    Slices,
    /// Steps of one participant of a long ring are checked and timed, the whole is multiplied up.
    RingSteps,
    /// The longest sequence that the device's memory holds is looked for.
    Limits,
    /// A ring over several devices is checked and timed, and so is one device alone.
    Distributed,
    /// A strategy of allocation in the place of an implementation takes a trace of allocations.
    Allocations,
}

impl Procedure {
    /// Every procedure.
    pub const ALL: &[Procedure] = &[
        Procedure::Time,
        Procedure::Slices,
        Procedure::RingSteps,
        Procedure::Limits,
        Procedure::Distributed,
        Procedure::Allocations,
    ];

    /// The name in a type's file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Procedure::Time => "time",
            Procedure::Slices => "slices",
            Procedure::RingSteps => "ring-steps",
            Procedure::Limits => "limits",
            Procedure::Distributed => "distributed",
            Procedure::Allocations => "allocations",
        }
    }
}

impl fmt::Display for Procedure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Procedure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Procedure::ALL.iter().map(|procedure| procedure.as_str());
        Procedure::ALL.iter().copied().find(|procedure| procedure.as_str() == text).ok_or_else(|| {
            let known = names().collect::<Vec<_>>().join(", ");
            format!("unknown procedure '{text}', there are {known}{}", suggestion(text, names()))
        })
    }
}

impl<'de> Deserialize<'de> for Procedure {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        word(deserializer)
    }
}
