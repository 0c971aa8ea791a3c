//! The kernels of a commit, read from git's object database: nothing is checked out.

use std::path::Path;

use gix::{Repository, bstr::ByteSlice as _, objs::tree::EntryKind};

use super::{FOLDER, Layer, Origin, refuse_huge};
use crate::LibraryError;

/// What `kernels-ptx` holds in the tree of the commit `hash`; nothing where the commit has no such folder.
pub(crate) fn commit(repository: &Path, hash: &str) -> Result<Layer, LibraryError> {
    read(repository, hash).map_err(|error| LibraryError::Git {
        repository: repository.to_owned(),
        commit: hash.to_owned(),
        message: error.to_string(),
    })
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

fn read(path: &Path, hash: &str) -> Result<Layer, BoxError> {
    // Isolated: what a commit holds does not depend on the user's configuration or environment.
    let repository = gix::open_opts(path, gix::open::Options::isolated())?;
    let root = repository.find_commit(gix::ObjectId::from_hex(hash.as_bytes())?)?.tree()?;
    let mut layer = Layer::new(Origin::Commit(hash.to_owned()));
    let Some(folder) = root.lookup_entry_by_path(FOLDER)? else { return Ok(layer) };
    if !folder.mode().is_tree() {
        return Ok(layer);
    }
    let short = hash.get(..10).unwrap_or(hash);
    for entry in repository.find_tree(folder.object_id())?.iter() {
        let entry = entry?;
        let Ok(folder) = entry.filename().to_str() else { continue };
        if entry.mode().kind() != EntryKind::Tree {
            continue;
        }
        for file in repository.find_tree(entry.object_id())?.iter() {
            let file = file?;
            let Ok(name) = file.filename().to_str() else { continue };
            let display = |path: &str| format!("{FOLDER}/{path} at commit {short}");
            layer.take(folder, name, display, || blob(&repository, file.object_id(), file.mode().kind()));
        }
    }
    Ok(layer)
}

fn blob(repository: &Repository, id: gix::ObjectId, kind: EntryKind) -> Result<Vec<u8>, String> {
    if !matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable) {
        return Err("not a file in the commit; links are not followed".to_owned());
    }
    let missing = |error: String| format!("cannot read the object {id}: {error}");
    refuse_huge(repository.find_header(id).map_err(|error| missing(error.to_string()))?.size())?;
    Ok(repository.find_object(id).map_err(|error| missing(error.to_string()))?.detach().data)
}
