//! The small closed sets of words that appear as columns of the history, and the names users give.

use std::{fmt, str::FromStr};

/// A word that is not one of the set it should come from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{found}' is not a {what}; expected {expected}")]
pub struct NameError {
    what: &'static str,
    found: String,
    expected: String,
}

impl NameError {
    pub(crate) fn new(what: &'static str, found: &str, expected: impl Into<String>) -> Self {
        Self { what, found: found.to_owned(), expected: expected.into() }
    }
}

/// Declares an enum whose variants have one canonical word each: `as_str`, `Display`, `FromStr` and `ALL`.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident, $what:literal { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The canonical word, as stored in the history.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::NameError;

            fn from_str(text: &str) -> Result<Self, $crate::NameError> {
                match text {
                    $($word => Ok($name::$variant),)+
                    _ => Err($crate::names::NameError::new($what, text, [$($word),+].join(", "))),
                }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// How a case ended. A failure is a row of the history, never a gap.
    Status, "status" {
        /// Measured, and the result was right.
        Ok = "ok",
        /// The device could not hold the case.
        OutOfMemory = "out_of_memory",
        /// The kernel ran but its output is outside the error bound of its op.
        WrongResult = "wrong_result",
        /// The kernel faulted: out-of-bounds access, bad barrier, endless loop.
        Trap = "trap",
        /// The case did not end within its time.
        Timeout = "timeout",
        /// Anything else that kept the case from being measured.
        Error = "error",
        /// The implementation cannot do this case; the message says why.
        Skipped = "skipped",
    }
}

words! {
    /// The kind of device a row comes from.
    DeviceKind, "device kind" {
        /// An NVIDIA GPU behind NVIDIA's driver.
        Cuda = "cuda",
        /// The embedded device: PTX executed on the CPU.
        Embedded = "embedded",
        /// Somebody else's measurement, read from a file.
        Imported = "imported",
    }
}

words! {
    /// What a comparison of two commits says of one case.
    Verdict, "verdict" {
        /// The new one takes less.
        Faster = "faster",
        /// The new one takes more.
        Slower = "slower",
        /// No difference as large as the threshold.
        Same = "same",
        /// The samples do not decide it.
        Unclear = "unclear",
    }
}

/// The name of a benchmark type, `all-implementations` for instance; also the value of the `type=` partition.
///
/// Lower-case letters, digits and single hyphens, so that it is safe as a folder name and in a shell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BenchmarkType(String);

impl BenchmarkType {
    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BenchmarkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for BenchmarkType {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let well_formed = text.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        });
        if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::new("benchmark type", text, "lower-case letters, digits and single hyphens"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Commit;

    #[test]
    fn words_round_trip() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(*status));
        }
        let error = "okay".parse::<Status>().unwrap_err();
        assert!(error.to_string().contains("'okay' is not a status; expected ok, out_of_memory"), "{error}");
    }

    #[test]
    fn a_type_name_is_safe_as_a_folder_name() {
        assert!("all-implementations".parse::<BenchmarkType>().is_ok());
        for bad in ["", "-", "a--b", "../x", "A", "a b", "a/b", "a="] {
            assert!(bad.parse::<BenchmarkType>().is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn a_commit_is_a_full_hash_or_a_known_word() {
        let hash = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(hash.parse(), Ok(Commit::Hash(hash.to_owned())));
        assert_eq!("unversioned".parse(), Ok(Commit::Unversioned));
        assert!("0123".parse::<Commit>().is_err());
        assert_eq!(Commit::Hash(hash.to_owned()).short(), "0123456789");
    }
}
