//! All implementations, benchmark types and GPUs there are, layer over layer.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use pipe_model::{Commit, near};

use crate::{
    BenchmarkSpec, Broken, Gpu, Implementation, LibraryError, LookupError, Source,
    implementation::Shelf,
    source::{self, Layer},
};

/// Implementations, benchmark types and GPUs by name.
///
/// A layer replaces what has the same name below it, an implementation's two files always together. A manifest that names
/// the PTX of another implementation gets it from its own layer, or where that has none from those below. A broken
/// implementation or type stays in its place, so that asking for it says what is wrong, and keeps nothing else from
/// working.
#[derive(Debug, Clone)]
pub struct Library {
    implementations: BTreeMap<String, Result<Arc<Implementation>, Broken>>,
    /// Every implementation's own PTX.
    shelf: Shelf,
    types: BTreeMap<String, Result<Arc<BenchmarkSpec>, Broken>>,
    gpus: BTreeMap<String, Result<Arc<Gpu>, Broken>>,
}

impl Library {
    /// What the binary carries.
    pub fn built_in() -> Self {
        let empty = Self {
            implementations: BTreeMap::new(),
            shelf: Shelf::new(),
            types: BTreeMap::new(),
            gpus: BTreeMap::new(),
        };
        empty.overlay(source::built_in())
    }

    /// Lays the folder `path`, a repository's `kernels-ptx`, over this library. A folder that is not there is empty.
    ///
    /// # Errors
    /// Where the folder cannot be listed.
    pub fn overlay_folder(self, path: &Path) -> Result<Self, LibraryError> {
        Ok(self.overlay(source::folder(path)?))
    }

    /// Lays `kernels-ptx` as `commit` of the repository at `repository` has it over this library. Nothing is checked
    /// out. A commit without that folder adds nothing.
    ///
    /// # Errors
    /// Where `commit` is not a hash, or the object database does not give it.
    pub fn overlay_commit(self, repository: &Path, commit: &Commit) -> Result<Self, LibraryError> {
        match commit {
            Commit::Hash(hash) => Ok(self.overlay(source::commit(repository, hash)?)),
            other => Err(LibraryError::NotACommit { commit: other.to_string() }),
        }
    }

    /// These implementations on the benchmark types and GPUs of `other`, so that commits are compared on the same cases
    /// and by the same bounds.
    #[must_use]
    pub fn with_types_of(mut self, other: &Library) -> Self {
        self.types.clone_from(&other.types);
        self.gpus.clone_from(&other.gpus);
        self
    }

    fn overlay(mut self, layer: Layer) -> Self {
        for (name, folder) in &layer.implementations {
            match &folder.ptx {
                Some(file) => self.shelf.insert(name.clone(), Source::read(file).map(Arc::new)),
                None => self.shelf.remove(name),
            };
        }
        for (name, folder) in &layer.implementations {
            let loaded = Implementation::load(name, folder, layer.origin.clone(), &self.shelf);
            self.implementations.insert(name.clone(), loaded.map(Arc::new));
        }
        for (name, file) in &layer.types {
            self.types.insert(name.clone(), BenchmarkSpec::load(name, file).map(Arc::new));
        }
        for (name, file) in &layer.gpus {
            self.gpus.insert(name.clone(), Gpu::load(name, file).map(Arc::new));
        }
        self.link_references();
        self
    }

    /// Gives each implementation the one that its manifest names as its reference.
    fn link_references(&mut self) {
        let all = self.implementations.clone();
        for loaded in self.implementations.values_mut() {
            if let Ok(implementation) = loaded
                && let Some(name) = implementation.reference_name()
            {
                *loaded = implementation.with_reference(name, &all).map(Arc::new);
            }
        }
    }

    /// The implementations that can be used, by name.
    pub fn implementations(&self) -> impl Iterator<Item = &Arc<Implementation>> {
        self.implementations.values().flatten()
    }

    /// The benchmark types that can be used, by name.
    pub fn benchmark_types(&self) -> impl Iterator<Item = &Arc<BenchmarkSpec>> {
        self.types.values().flatten()
    }

    /// What is there and cannot be used.
    pub fn broken(&self) -> impl Iterator<Item = &Broken> {
        let implementations = self.implementations.values().filter_map(|loaded| loaded.as_ref().err());
        let types = self.types.values().filter_map(|loaded| loaded.as_ref().err());
        implementations.chain(types).chain(self.gpus.values().filter_map(|loaded| loaded.as_ref().err()))
    }

    /// The implementation called `name`.
    ///
    /// # Errors
    /// [`LookupError::Unknown`] with near names, or [`LookupError::Broken`].
    pub fn implementation(&self, name: &str) -> Result<&Arc<Implementation>, LookupError> {
        look_up("implementation", &self.implementations, name)
    }

    /// The benchmark type called `name`.
    ///
    /// # Errors
    /// As [`Library::implementation`].
    pub fn benchmark_type(&self, name: &str) -> Result<&Arc<BenchmarkSpec>, LookupError> {
        look_up("benchmark type", &self.types, name)
    }

    /// The GPUs that bounds can be computed for, by the name of their file.
    pub fn gpus(&self) -> impl Iterator<Item = (&str, &Arc<Gpu>)> {
        self.gpus.iter().filter_map(|(name, loaded)| Some((name.as_str(), loaded.as_ref().ok()?)))
    }

    /// The GPU of the file `name`; `H100` and `RTX 4090` find `h100` and `rtx-4090`.
    ///
    /// # Errors
    /// As [`Library::implementation`].
    pub fn gpu(&self, name: &str) -> Result<&Arc<Gpu>, LookupError> {
        let file = name.trim().to_lowercase().replace([' ', '_'], "-");
        look_up("GPU", &self.gpus, if self.gpus.contains_key(name) { name } else { &file })
    }
}

fn look_up<'a, T>(
    what: &'static str,
    all: &'a BTreeMap<String, Result<T, Broken>>,
    name: &str,
) -> Result<&'a T, LookupError> {
    match all.get(name) {
        Some(Ok(found)) => Ok(found),
        Some(Err(broken)) => Err(LookupError::Broken(broken.clone())),
        None => Err(LookupError::Unknown {
            what,
            name: name.to_owned(),
            near: near(name, all.keys().map(String::as_str)),
            known: all.keys().cloned().collect(),
        }),
    }
}
