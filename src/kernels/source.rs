//! Where the files of a library come from: the binary itself, a folder, or a commit.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use include_dir::{Dir, include_dir};

use crate::{FileError, LibraryError};

mod git;

pub(crate) use git::commit;

/// The folder's name, at the root of a repository.
pub(crate) const FOLDER: &str = "kernels-ptx";

/// The kernels that the binary carries.
static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../kernels-ptx");

/// The largest file read, in bytes; PTX that people and compilers write is far below.
const LARGEST: u64 = 32 << 20;

/// Where an implementation or a type was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In the binary.
    BuiltIn,
    /// In a folder of the work tree.
    Folder(PathBuf),
    /// In a commit's tree; the hash.
    Commit(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::BuiltIn => f.write_str("built in"),
            Origin::Folder(path) => path.display().fmt(f),
            Origin::Commit(hash) => write!(f, "commit {}", hash.get(..10).unwrap_or(hash)),
        }
    }
}

/// A file with its name for messages.
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) content: Result<Vec<u8>, FileError>,
}

impl File {
    /// The content as text, with a message that a user can act on where it is none.
    pub(crate) fn text(&self) -> Result<&str, FileError> {
        let bytes = self.content.as_ref().map_err(FileError::clone)?;
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let valid = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default());
            FileError::at(&self.name, &valid, valid.len(), "the file is not UTF-8 text; save it as UTF-8")
        })?;
        if text.trim().is_empty() {
            return Err(FileError::whole(&self.name, "the file is empty; write it or remove its folder"));
        }
        Ok(text)
    }
}

/// A PTX file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    file: String,
    ptx: Arc<str>,
}

impl Source {
    pub(crate) fn read(file: &File) -> Result<Self, FileError> {
        Ok(Self { file: file.name.clone(), ptx: file.text()?.into() })
    }

    /// The file as a message should name it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The text.
    pub fn ptx(&self) -> &str {
        &self.ptx
    }

    /// The text, to keep.
    pub fn shared_ptx(&self) -> Arc<str> {
        Arc::clone(&self.ptx)
    }

    /// Whether the text has an entry of that name. It is looked for as words, so that PTX which is newer than what pipe
    /// reads has its entries, too.
    pub fn has_entry(&self, name: &str) -> bool {
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '%');
        self.ptx.lines().any(|line| {
            let code = line.split("//").next().unwrap_or_default();
            code.split_once(".entry").is_some_and(|(_, rest)| {
                rest.trim_start().strip_prefix(name).is_some_and(|after| !after.starts_with(is_word))
            })
        })
    }
}

/// The files of an implementation, as far as they are there.
#[derive(Default)]
pub(crate) struct Folder {
    pub(crate) name: String,
    pub(crate) manifest: Option<File>,
    pub(crate) ptx: Option<File>,
    /// The `.npy` files, by name.
    pub(crate) data: BTreeMap<String, File>,
}

/// What one origin holds, by name.
pub(crate) struct Layer {
    pub(crate) origin: Origin,
    pub(crate) implementations: BTreeMap<String, Folder>,
    pub(crate) types: BTreeMap<String, File>,
    pub(crate) gpus: BTreeMap<String, File>,
}

impl Layer {
    fn new(origin: Origin) -> Self {
        Self { origin, implementations: BTreeMap::new(), types: BTreeMap::new(), gpus: BTreeMap::new() }
    }

    /// Takes the file at `folder/name` if it is one that a library reads; `display` names it for messages.
    fn take(
        &mut self,
        folder: &str,
        name: &str,
        display: impl Fn(&str) -> String,
        read: impl FnOnce() -> Result<Vec<u8>, String>,
    ) {
        let wanted = match folder {
            "types" | "gpus" => name.ends_with(".toml"),
            _ => matches!(name, "kernel.toml" | "kernel.ptx") || name.ends_with(".npy"),
        };
        if !wanted {
            return;
        }
        let full_name = display(&format!("{folder}/{name}"));
        let content = read().map_err(|message| FileError::whole(&full_name, message));
        let file = File { name: full_name, content };
        let listed = match folder {
            "types" => Some(&mut self.types),
            "gpus" => Some(&mut self.gpus),
            _ => None,
        };
        if let Some(listed) = listed {
            listed.insert(name.trim_end_matches(".toml").to_owned(), file);
            return;
        }
        let implementation = self
            .implementations
            .entry(folder.to_owned())
            .or_insert_with(|| Folder { name: display(folder), ..Folder::default() });
        match name {
            "kernel.toml" => implementation.manifest = Some(file),
            "kernel.ptx" => implementation.ptx = Some(file),
            _ => drop(implementation.data.insert(name.to_owned(), file)),
        }
    }
}

/// The kernels that the binary carries.
pub(crate) fn built_in() -> Layer {
    let mut layer = Layer::new(Origin::BuiltIn);
    for file in BUILT_IN.dirs().flat_map(Dir::files) {
        if let Some((folder, name)) = file.path().to_str().and_then(|path| path.split_once('/')) {
            let display = |path: &str| format!("built-in {FOLDER}/{path}");
            layer.take(folder, name, display, || Ok(file.contents().to_vec()));
        }
    }
    layer
}

/// The kernels in a folder of the file system; none where there is no such folder.
pub(crate) fn folder(path: &Path) -> Result<Layer, LibraryError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| LibraryError::Folder { path, source }
    };
    let mut layer = Layer::new(Origin::Folder(path.to_owned()));
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(layer),
        entries => entries.map_err(failed(path))?,
    };
    for entry in entries {
        let inner = entry.map_err(failed(path))?.path();
        if !inner.is_dir() {
            continue;
        }
        for file in fs::read_dir(&inner).map_err(failed(&inner))? {
            let file = file.map_err(failed(&inner))?.path();
            let names = inner.file_name().zip(file.file_name());
            if let Some((folder, name)) = names.and_then(|(folder, name)| folder.to_str().zip(name.to_str()))
            {
                layer.take(folder, name, |inside| path.join(inside).display().to_string(), || read(&file));
            }
        }
    }
    Ok(layer)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| format!("cannot read the file: {error}");
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err("not a file".to_owned());
    }
    refuse_huge(metadata.len())?;
    fs::read(path).map_err(unreadable)
}

fn refuse_huge(bytes: u64) -> Result<(), String> {
    if bytes > LARGEST {
        return Err(format!(
            "the file has {bytes} bytes, more than the {LARGEST} that are read; make it smaller"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_by_their_whole_name() {
        let ptx =
            "// .entry zero\n.visible .entry one(.param .u64 a)\n{ ret; }\n.entry two_d64 () { ret; }\n";
        let source = Source { file: "kernel.ptx".to_owned(), ptx: ptx.into() };
        assert!(source.has_entry("one") && source.has_entry("two_d64"));
        assert!(!source.has_entry("zero") && !source.has_entry("two") && !source.has_entry("on"));
    }
}
