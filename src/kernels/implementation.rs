//! One implementation: its PTX, its manifest, and the digest that names exactly these.

use std::{collections::BTreeMap, sync::Arc};

use pipe_model::Dtype;
use sha2::{Digest as _, Sha256};

use crate::{
    Broken, FileError, Op, Origin, Source,
    expression::Text,
    manifest::Manifest,
    near::suggestion,
    source::Folder,
    tensor::{DataFile, TensorDeclaration},
};

/// The PTX file of an implementation, in its folder.
const PTX: &str = "kernel.ptx";

/// The PTX of every implementation that can be named, by the implementation.
pub(crate) type Shelf = BTreeMap<String, Result<Arc<Source>, FileError>>;

/// Kernels that compute an op, and how they are launched.
#[derive(Debug, Clone)]
pub struct Implementation {
    name: String,
    digest: String,
    origin: Origin,
    sources: Vec<Arc<Source>>,
    pub(crate) manifest_file: String,
    pub(crate) manifest_text: String,
    pub(crate) manifest: Manifest,
    /// The files beside the manifest that it names.
    data: BTreeMap<String, DataFile>,
    /// The implementation that the manifest names as its reference; the library links it.
    reference: Option<Arc<Implementation>>,
}

impl Implementation {
    /// Puts an implementation together from its folder, and the PTX of others that its manifest names from `shelf`.
    pub(crate) fn load(name: &str, folder: &Folder, origin: Origin, shelf: &Shelf) -> Result<Self, Broken> {
        let broken = |errors| Broken { name: name.to_owned(), errors };
        if !is_name(name) {
            let message = "the folder's name is no implementation name; use lower-case letters, digits and single hyphens";
            return Err(broken(vec![FileError::whole(&folder.name, message)]));
        }
        let Some(manifest_file) = &folder.manifest else {
            return Err(broken(vec![missing(folder, "kernel.toml", "write its manifest")]));
        };
        let manifest_text = manifest_file.text().map_err(|error| broken(vec![error]))?.to_owned();
        let manifest = Manifest::parse(&manifest_file.name, &manifest_text).map_err(broken)?;
        let refuse = |name: &Text, message: String| {
            FileError::at(&manifest_file.name, &manifest_text, name.span.start, message)
        };
        let sources = sources(name, folder, &manifest, shelf, refuse).map_err(|error| broken(vec![error]))?;
        let data = data(&manifest, folder).map_err(broken)?;
        Ok(Self {
            name: name.to_owned(),
            digest: digest(&sources, &manifest_text, &data),
            origin,
            sources,
            manifest_file: manifest_file.name.clone(),
            manifest_text,
            manifest,
            data,
            reference: None,
        })
    }

    /// The folder's name: `improved-dilated`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it computes.
    pub fn op(&self) -> Op {
        self.manifest.op
    }

    /// One line on how.
    pub fn summary(&self) -> &str {
        &self.manifest.summary
    }

    /// More on how; may be empty.
    pub fn description(&self) -> &str {
        &self.manifest.description
    }

    /// The element types it is written for.
    pub fn dtypes(&self) -> impl Iterator<Item = Dtype> {
        self.manifest.dtypes.iter().map(|name| name.0)
    }

    /// The head dimensions it is written for.
    pub fn head_dims(&self) -> &[u64] {
        &self.manifest.head_dims
    }

    /// The implementation whose outputs are right, where the manifest of a custom op names one.
    pub fn reference(&self) -> Option<&Arc<Implementation>> {
        self.reference.as_ref()
    }

    /// The reference that the manifest names.
    pub(crate) fn reference_name(&self) -> Option<&str> {
        self.manifest.reference.as_deref()
    }

    /// This implementation with the reference `name` out of `all`.
    pub(crate) fn with_reference(
        &self,
        name: &str,
        all: &BTreeMap<String, Result<Arc<Implementation>, Broken>>,
    ) -> Result<Self, Broken> {
        let broken = |message: String| Broken {
            name: self.name.clone(),
            errors: vec![FileError::whole(&self.manifest_file, message)],
        };
        match all.get(name) {
            Some(Ok(found)) if found.op() == Op::Custom => {
                let reference = Self { reference: None, ..(**found).clone() };
                Ok(Self { reference: Some(Arc::new(reference)), ..self.clone() })
            }
            Some(Ok(found)) => Err(broken(format!(
                "its reference {name} computes op {}, whose results pipe checks; make op = \"{0}\" the op here too",
                found.op()
            ))),
            Some(Err(_)) => Err(broken(format!("its reference {name} cannot be used; mend that first"))),
            None => {
                let near = suggestion(name, all.keys().map(String::as_str));
                Err(broken(format!("its reference {name} is no implementation{near}")))
            }
        }
    }

    /// Whether its manifest declares a parameter of this name.
    pub fn has_parameter(&self, name: &str) -> bool {
        self.manifest.parameters.contains_key(name)
    }

    /// SHA-256 of PTX, manifest and what other files it names in hexadecimal, the same wherever they were read from.
    ///
    /// It is taken over, for each PTX file in the order of the manifest, then for the manifest, then for each other file by
    /// its name, the length in bytes as a little-endian 64-bit integer followed by the bytes.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Where it was found.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The PTX files, in the order in which an entry is looked for; at least one.
    pub fn sources(&self) -> &[Arc<Source>] {
        &self.sources
    }

    /// The files beside the manifest that it names, by name.
    pub(crate) fn data(&self) -> &BTreeMap<String, DataFile> {
        &self.data
    }

    /// The PTX file that holds `entry`: the first that has it, or the first of all where none has.
    pub fn source_of(&self, entry: &str) -> &Arc<Source> {
        self.sources.iter().find(|source| source.has_entry(entry)).unwrap_or(&self.sources[0])
    }
}

/// The PTX files that a manifest names: its own where it names none.
fn sources(
    name: &str,
    folder: &Folder,
    manifest: &Manifest,
    shelf: &Shelf,
    refuse: impl Fn(&Text, String) -> FileError,
) -> Result<Vec<Arc<Source>>, FileError> {
    let take = |name: &str| shelf.get(name).cloned();
    let own = || take(name).unwrap_or_else(|| Err(missing(folder, PTX, "put the PTX beside its manifest")));
    let Some(named) = &manifest.sources else { return Ok(vec![own()?]) };
    let mut sources = Vec::new();
    for (index, file) in named.iter().enumerate() {
        let text = file.text.as_str();
        if named[..index].iter().any(|before| before.text == text) {
            return Err(refuse(file, format!("`{text}` is named twice; once is enough")));
        }
        sources.push(match text.strip_prefix("../").and_then(|rest| rest.strip_suffix("/kernel.ptx")) {
            _ if text == PTX => own()?,
            Some(other) if !other.contains('/') => take(other).unwrap_or_else(|| {
                let near = suggestion(other, shelf.keys().map(String::as_str));
                Err(refuse(
                    file,
                    format!("there is no implementation '{other}' with a {PTX} here or built in{near}"),
                ))
            })?,
            _ => {
                let message = format!("`{text}` is no source; write {PTX} or ../IMPLEMENTATION/{PTX}");
                return Err(refuse(file, message));
            }
        });
    }
    match &folder.ptx {
        Some(ptx) if !named.iter().any(|file| file.text == PTX) => Err(FileError::whole(
            &ptx.name,
            format!(
                "`sources` of kernel.toml does not name this file; add \"{PTX}\" to it, or remove the file"
            ),
        )),
        _ => Ok(sources),
    }
}

fn missing(folder: &Folder, file: &str, remedy: &str) -> FileError {
    FileError::whole(&folder.name, format!("there is no {file}; {remedy}"))
}

/// The files that the tensors of `manifest` name.
fn data(manifest: &Manifest, folder: &Folder) -> Result<BTreeMap<String, DataFile>, Vec<FileError>> {
    let mut data = BTreeMap::new();
    let mut errors = Vec::new();
    for Text { text: name, .. } in manifest.tensor.iter().flat_map(TensorDeclaration::files) {
        let Some(file) = folder.data.get(name) else {
            errors.push(missing(folder, name, "put the file beside the manifest that names it"));
            continue;
        };
        match &file.content {
            Ok(bytes) => {
                let content = Arc::from(bytes.as_slice());
                data.insert(name.clone(), DataFile { name: file.name.clone(), content });
            }
            Err(error) => errors.push(error.clone()),
        }
    }
    if errors.is_empty() { Ok(data) } else { Err(errors) }
}

fn digest(sources: &[Arc<Source>], manifest: &str, data: &BTreeMap<String, DataFile>) -> String {
    let mut hasher = Sha256::new();
    let files = data.values().map(|file| &*file.content);
    let texts = sources.iter().map(|source| source.ptx().as_bytes()).chain([manifest.as_bytes()]);
    for content in texts.chain(files) {
        hasher.update((content.len() as u64).to_le_bytes());
        hasher.update(content);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lower-case letters, digits and single hyphens, as for benchmark types.
fn is_name(name: &str) -> bool {
    name.parse::<pipe_model::BenchmarkType>().is_ok()
}
