//! A file to import: its bytes, its name, and the files it refers to.

use std::{
    borrow::Cow,
    cell::RefCell,
    fs::{self, File},
    io::{self, Read as _},
    path::{Component, Path, PathBuf},
};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::error::ImportError;

/// Bytes of the largest file that is read.
pub const MAX_BYTES: usize = 512 << 20;

/// A file to import.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    bytes: Vec<u8>,
    modified: Option<Timestamp>,
    folder: Option<PathBuf>,
    digest: RefCell<Sha256>,
}

impl Source {
    /// Reads a file. Files that it refers to are looked for beside it.
    ///
    /// # Errors
    /// Where it cannot be read, is no regular file or is larger than [`MAX_BYTES`].
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let cannot = |source| ImportError::Io { path: path.to_owned(), source };
        // Before it is opened: opening a pipe would wait for its writer.
        let metadata = fs::metadata(path).map_err(cannot)?;
        if !metadata.is_file() {
            return Err(cannot(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
        }
        let bytes = read(path)?;
        let modified = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
        Ok(Self { modified, folder: path.parent().map(Path::to_owned), ..Self::of_bytes(path, bytes) })
    }

    /// Bytes that are in no file, under a name for messages. They refer to no other file.
    pub fn of_bytes(name: &Path, bytes: Vec<u8>) -> Self {
        let digest = RefCell::new(Sha256::new_with_prefix(&bytes));
        Self { path: name.to_owned(), bytes, modified: None, folder: None, digest }
    }

    /// As it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// When it was last written, where that is known.
    pub(crate) fn modified(&self) -> Option<Timestamp> {
        self.modified
    }

    /// SHA-256 of the bytes and of every companion read so far.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.digest.borrow().clone().finalize().into()
    }

    /// The text, of UTF-8 or of UTF-16 with a byte order mark.
    pub(crate) fn text(&self) -> Result<Cow<'_, str>, ImportError> {
        let text = match self.bytes.as_slice() {
            [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest).map(Cow::Borrowed),
            [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes).map(Cow::Owned),
            [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes).map(Cow::Owned),
            bytes => utf8(bytes).map(Cow::Borrowed),
        };
        let text = text.map_err(|reason| ImportError::Encoding { path: self.path.clone(), reason })?;
        if text.trim().is_empty() {
            return Err(ImportError::Empty { path: self.path.clone() });
        }
        Ok(text)
    }

    /// A file that this one names, relative to the folder it is in; its bytes count into the [`digest`](Self::digest).
    ///
    /// Only what lies in that folder: a file must not make pipe read another one somewhere else. Of a path that
    /// leads elsewhere the last two parts are tried, which is where tools put such files.
    pub(crate) fn companion(&self, name: &str) -> Result<Vec<u8>, ImportError> {
        let missing = |path: &Path| ImportError::Io {
            path: path.to_owned(),
            source: io::Error::new(io::ErrorKind::NotFound, "it is not beside the file that names it"),
        };
        let folder = self.folder.as_ref().ok_or_else(|| missing(Path::new(name)))?;
        let parts: Vec<_> =
            Path::new(name).components().filter(|part| matches!(part, Component::Normal(_))).collect();
        let is_plain = Path::new(name).components().count() == parts.len();
        let tail: PathBuf = parts[parts.len().saturating_sub(2)..].iter().collect();
        let whole = is_plain.then(|| folder.join(name)).filter(|path| path.is_file());
        let path = whole.or_else(|| Some(folder.join(&tail)).filter(|path| path.is_file()));
        let bytes = read(&path.ok_or_else(|| missing(&folder.join(name)))?)?;
        self.digest.borrow_mut().update(&bytes);
        Ok(bytes)
    }

    /// A file beside this one that explains it and does not change what was measured.
    pub(crate) fn beside(&self, relative: &str) -> Option<Vec<u8>> {
        let path = self.folder.as_ref()?.join(relative);
        if path.is_file() { read(&path).ok() } else { None }
    }
}

/// Reads a file of at most [`MAX_BYTES`]; one that grows while it is read is cut off by the same limit.
fn read(path: &Path) -> Result<Vec<u8>, ImportError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|source| ImportError::Io { path: path.to_owned(), source })?;
    if bytes.len() > MAX_BYTES {
        let what = "more bytes than are read".to_owned();
        return Err(ImportError::Limit { path: path.to_owned(), what, limit: MAX_BYTES });
    }
    Ok(bytes)
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| format!("byte {} is not UTF-8", error.valid_up_to()))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    if !bytes.len().is_multiple_of(2) {
        return Err("it is UTF-16 and ends in half a character".to_owned());
    }
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).collect::<Result<_, _>>().map_err(|_| "it is damaged UTF-16".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Result<String, String> {
        let source = Source::of_bytes(Path::new("a.json"), bytes.to_vec());
        source.text().map(Cow::into_owned).map_err(|error| error.to_string())
    }

    #[test]
    fn encodings() {
        assert_eq!(text(b"\xEF\xBB\xBF{}"), Ok("{}".to_owned()));
        assert_eq!(text(b"\xFF\xFE{\0}\0"), Ok("{}".to_owned()));
        assert_eq!(text(b"\xFE\xFF\0{\0}"), Ok("{}".to_owned()));
        assert_eq!(
            text(b"{\"a\xE9\"}"),
            Err("a.json is not text: byte 3 is not UTF-8; save it as UTF-8".to_owned())
        );
        assert_eq!(text(b" \n"), Err("a.json is empty".to_owned()));
        assert!(text(b"\xFF\xFE{").is_err());
    }

    #[test]
    fn companions_stay_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir_all(inner.join("bin")).unwrap();
        fs::write(folder.path().join("secret"), "x").unwrap();
        fs::write(inner.join("bin/0.bin"), "y").unwrap();
        fs::write(inner.join("a.json"), "{}").unwrap();
        let source = Source::open(&inner.join("a.json")).unwrap();
        let before = source.digest();
        assert!(source.companion("../secret").is_err());
        assert!(source.companion(folder.path().join("secret").to_str().unwrap()).is_err());
        assert_eq!(source.companion("bin/0.bin").unwrap(), b"y");
        assert_eq!(source.companion("/elsewhere/bin/0.bin").unwrap(), b"y");
        assert_ne!(source.digest(), before);
    }
}
