//! What was in the folders of a history when they were last read, kept in `<history>/_summary/folders`, so that a listing reads only the
//! folders that changed.
//!
//! Whoever adds, removes or renames a file changes the times of its folder. So the names in a folder are those that were read from it,
//! as long as its stamp is the one that it had then. Times are no finer than the system's clock tick, and coarser on some file
//! systems: names are kept only of folders that had been left alone for [`SETTLED`] when they were read.
//!
//! Nothing here is needed. A file that is missing, damaged or of another version of pipe is an empty one, and one that
//! cannot be written is not.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    fs,
    hash::BuildHasher as _,
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use foldhash::quality::FixedState;

use super::{Stamp, temporary};
use crate::SUMMARY_FOLDER;

/// The file's name in the folder of what is derived.
const FILE: &str = "folders";
/// What it begins with; another version is another line.
const HEADER: &str = "pipe folders 1";
/// How long a folder must have been left alone. Some file systems keep times to two seconds.
const SETTLED: Duration = Duration::from_secs(3);
/// Folders that must have been read before it is worth writing them down.
const WORTH: usize = 64;

/// The names in one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Folder {
    stamp: Stamp,
    names: Vec<String>,
}

/// The folders of one history, as they were and as they are found to be.
#[derive(Debug)]
pub(super) struct Folders {
    root: PathBuf,
    begun: Instant,
    /// By path from the root.
    known: HashMap<PathBuf, Folder>,
    read: Mutex<Vec<(PathBuf, Folder)>>,
}

impl Folders {
    /// What is known of the history in `root`.
    pub(super) fn of(root: &Path) -> Self {
        let text = fs::read_to_string(root.join(SUMMARY_FOLDER).join(FILE));
        let known = text.ok().and_then(|text| parse(&text)).unwrap_or_default();
        Self { root: root.to_owned(), begun: Instant::now(), known, read: Mutex::default() }
    }

    /// The names in a folder that has the stamp `stamp`, sorted; hidden ones too.
    pub(super) fn names(&self, folder: &Path, stamp: Stamp) -> io::Result<Vec<OsString>> {
        let key = folder.strip_prefix(&self.root).unwrap_or(folder);
        if let Some(known) = self.known.get(key).filter(|known| known.stamp == stamp) {
            return Ok(known.names.iter().map(OsString::from).collect());
        }
        let names = read_names(folder)?;
        // What does not fit into a line of text is read again each time.
        let as_line = |name: &OsStr| name.to_str().filter(|name| !name.contains('\n')).map(str::to_owned);
        let lines: Option<Vec<String>> = names.iter().map(|name| as_line(name)).collect();
        if let (Some(names), Some(_)) = (lines, as_line(key.as_os_str())) {
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            read.push((key.to_owned(), Folder { stamp, names }));
        }
        Ok(names)
    }

    /// Writes down what was read, where it is much and the folder can be written.
    pub(super) fn keep(self) {
        let read = self.read.into_inner().unwrap_or_else(PoisonError::into_inner);
        if read.len() < WORTH {
            return;
        }
        let write = || -> io::Result<()> {
            let folder = self.root.join(SUMMARY_FOLDER);
            fs::create_dir_all(&folder)?;
            let mut file = temporary().tempfile_in(&folder)?;
            // The file system's own clock, which need not be ours, when the listing began.
            let now = Stamp::of(&file.as_file().metadata()?).modified;
            let ago = |span: Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
            let settled = now.saturating_sub(ago(self.begun.elapsed())).saturating_sub(ago(SETTLED));
            let mut known = self.known;
            known.extend(read);
            known.retain(|path, folder| {
                folder.stamp.modified.max(folder.stamp.changed) < settled && self.root.join(path).exists()
            });
            io::Write::write_all(&mut file, to_text(&known).as_bytes())?;
            file.persist(folder.join(FILE)).map_err(|error| error.error)?;
            Ok(())
        };
        // A history that cannot be written is read all the same.
        let _ = write();
    }
}

/// The names in a folder, sorted.
pub(super) fn read_names(folder: &Path) -> io::Result<Vec<OsString>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name()));
    let mut names = names.collect::<io::Result<Vec<OsString>>>()?;
    names.sort();
    Ok(names)
}

fn to_text(folders: &HashMap<PathBuf, Folder>) -> String {
    let mut folders: Vec<_> = folders.iter().collect();
    folders.sort_by_key(|(path, _)| path.as_os_str());
    let mut body = String::new();
    for (path, folder) in folders {
        body += &format!("{} {}\n", folder.stamp, path.display());
        for name in &folder.names {
            body.push('\t');
            body += name;
            body.push('\n');
        }
    }
    format!("{HEADER} {:016x}\n{body}", digest(&body))
}

/// None where the text is not, to the last byte, what [`to_text`] wrote.
fn parse(text: &str) -> Option<HashMap<PathBuf, Folder>> {
    let (header, body) = text.split_once('\n')?;
    if header != format!("{HEADER} {:016x}", digest(body)) {
        return None;
    }
    let mut folders = HashMap::new();
    let mut current: Option<(PathBuf, Folder)> = None;
    for line in body.lines() {
        if let Some(name) = line.strip_prefix('\t') {
            current.as_mut()?.1.names.push(name.to_owned());
            continue;
        }
        folders.extend(current.take());
        let path = line.match_indices(' ').nth(2)?.0;
        let stamp = line[..path].parse().ok()?;
        current = Some((PathBuf::from(&line[path + 1..]), Folder { stamp, names: Vec::new() }));
    }
    folders.extend(current);
    Some(folders)
}

fn digest(text: &str) -> u64 {
    FixedState::with_seed(1).hash_one(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_damaged_is_not() {
        let folder = |size, names: &[&str]| Folder {
            stamp: Stamp { size, modified: -5, changed: i64::MAX },
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let folders = HashMap::from([
            (PathBuf::new(), folder(0, &["commit=a", "a name of words"])),
            (PathBuf::from("commit=a"), folder(u64::MAX, &[])),
            (PathBuf::from("a name of words/type=t"), folder(4096, &["1.parquet"])),
        ]);
        let text = to_text(&folders);
        assert_eq!(parse(&text), Some(folders));
        assert_eq!(parse(""), None);
        for (place, _) in text.char_indices() {
            assert_eq!(parse(&text[..place]), None, "cut at {place}");
            let mut damaged = text.clone().into_bytes();
            damaged[place] ^= 1;
            assert_eq!(
                String::from_utf8(damaged).ok().and_then(|text| parse(&text)),
                None,
                "damaged at {place}"
            );
        }
    }
}
