//! How much of a benchmark type is measured.

use std::{fmt, str::FromStr};

use crate::near::suggestion;

/// How much to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Profile {
    /// Ends within a minute on the embedded device.
    Quick,
    /// The sizes a commit is judged by.
    #[default]
    Standard,
    /// Everything, on a GPU.
    Full,
}

impl Profile {
    /// Every profile, the smallest first.
    pub const ALL: &[Profile] = &[Profile::Quick, Profile::Standard, Profile::Full];

    /// The name on the command line and in a type's file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Profile::Quick => "quick",
            Profile::Standard => "standard",
            Profile::Full => "full",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Profile::ALL.iter().map(|profile| profile.as_str());
        Profile::ALL.iter().copied().find(|profile| profile.as_str() == text).ok_or_else(|| {
            format!("unknown profile '{text}', there are quick, standard, full{}", suggestion(text, names()))
        })
    }
}
