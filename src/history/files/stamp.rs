//! What tells that a file or a folder is no longer what it was.

use std::{fmt, fs::Metadata, str::FromStr};

/// Size and times of a file or folder, as the file system has them. Whatever changes a file or the names in a folder
/// changes its stamp: the time of the last change of the metadata cannot be set back, as that of the contents can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// When the contents changed last, in nanoseconds since 1970.
    pub modified: i64,
    /// When contents or metadata changed last, likewise.
    pub changed: i64,
}

impl Stamp {
    /// The stamp that a file has.
    #[cfg(unix)]
    pub fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let time =
            |seconds: i64, nanoseconds: i64| seconds.saturating_mul(NANOSECONDS).saturating_add(nanoseconds);
        Self {
            size: metadata.len(),
            modified: time(metadata.mtime(), metadata.mtime_nsec()),
            changed: time(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// The stamp that a file has.
    #[cfg(not(unix))]
    pub fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let modified = modified.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0);
        Self { size: metadata.len(), modified, changed: modified }
    }
}

#[cfg(unix)]
const NANOSECONDS: i64 = 1_000_000_000;

/// Three numbers: size, modified, changed.
impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.size, self.modified, self.changed)
    }
}

/// A text that is not three numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the stamp of a file: expected size and two times")]
pub struct StampError;

impl FromStr for Stamp {
    type Err = StampError;

    fn from_str(text: &str) -> Result<Self, StampError> {
        let mut words = text.split(' ');
        let mut next = || words.next().ok_or(StampError);
        let size = next()?.parse().map_err(|_| StampError)?;
        let modified = next()?.parse().map_err(|_| StampError)?;
        let changed = next()?.parse().map_err(|_| StampError)?;
        if words.next().is_some() {
            return Err(StampError);
        }
        Ok(Self { size, modified, changed })
    }
}
