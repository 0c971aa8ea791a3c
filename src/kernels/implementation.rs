//! One implementation: its PTX, its manifest, and the digest that names exactly these two.

use std::{collections::BTreeMap, sync::Arc};

use pipe_model::Dtype;
use sha2::{Digest as _, Sha256};

use crate::{
    Broken, FileError, Op, Origin,
    expression::Text,
    manifest::Manifest,
    near::suggestion,
    source::{File, Folder},
    tensor::{DataFile, TensorDeclaration},
};

/// Kernels that compute an op, and how they are launched.
#[derive(Debug, Clone)]
pub struct Implementation {
    name: String,
    digest: String,
    origin: Origin,
    ptx_file: String,
    ptx: Arc<str>,
    pub(crate) manifest_file: String,
    pub(crate) manifest_text: String,
    pub(crate) manifest: Manifest,
    /// The files beside the manifest that it names.
    data: BTreeMap<String, DataFile>,
    /// The implementation that the manifest names as its reference; the library links it.
    reference: Option<Arc<Implementation>>,
}

impl Implementation {
    pub(crate) fn load(name: &str, folder: &Folder, origin: Origin) -> Result<Self, Broken> {
        let broken = |errors| Broken { name: name.to_owned(), errors };
        if !is_name(name) {
            let message = "the folder's name is no implementation name; use lower-case letters, digits and single hyphens";
            return Err(broken(vec![FileError::whole(&folder.name, message)]));
        }
        let (manifest_file, ptx_file) = match (&folder.manifest, &folder.ptx) {
            (Some(manifest), Some(ptx)) => (manifest, ptx),
            (None, _) => return Err(broken(vec![missing(folder, "kernel.toml", "write its manifest")])),
            (_, None) => {
                return Err(broken(vec![missing(folder, "kernel.ptx", "put the PTX beside its manifest")]));
            }
        };
        let text = |file: &'_ File| file.text().map(str::to_owned).map_err(|error| vec![error]);
        let manifest_text = text(manifest_file).map_err(broken)?;
        let ptx = text(ptx_file).map_err(broken)?;
        let manifest = Manifest::parse(&manifest_file.name, &manifest_text).map_err(broken)?;
        let data = data(&manifest, folder).map_err(broken)?;
        Ok(Self {
            name: name.to_owned(),
            digest: digest(&ptx, &manifest_text, &data),
            origin,
            ptx_file: ptx_file.name.clone(),
            ptx: ptx.into(),
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

    /// Whether the manifest names a reference.
    pub(crate) fn names_reference(&self) -> bool {
        self.manifest.reference.is_some()
    }

    /// This implementation with the reference that its manifest names out of `all`.
    pub(crate) fn with_reference(
        &self,
        all: &BTreeMap<String, Result<Arc<Implementation>, Broken>>,
    ) -> Result<Self, Broken> {
        let Some(name) = &self.manifest.reference else { return Ok(self.clone()) };
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
    /// It is taken over, for the PTX, then for the manifest, then for each other file by its name, the length in bytes as
    /// a little-endian 64-bit integer followed by the bytes.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Where it was found.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The PTX text.
    pub fn ptx(&self) -> &str {
        &self.ptx
    }

    /// The PTX file as a message should name it.
    pub fn ptx_file(&self) -> &str {
        &self.ptx_file
    }

    /// The files beside the manifest that it names, by name.
    pub(crate) fn data(&self) -> &BTreeMap<String, DataFile> {
        &self.data
    }

    pub(crate) fn shared_ptx(&self) -> Arc<str> {
        Arc::clone(&self.ptx)
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

fn digest(ptx: &str, manifest: &str, data: &BTreeMap<String, DataFile>) -> String {
    let mut hasher = Sha256::new();
    let files = data.values().map(|file| &*file.content);
    for content in [ptx.as_bytes(), manifest.as_bytes()].into_iter().chain(files) {
        hasher.update((content.len() as u64).to_le_bytes());
        hasher.update(content);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lower-case letters, digits and single hyphens, as for benchmark types.
fn is_name(name: &str) -> bool {
    name.parse::<pipe_model::BenchmarkType>().is_ok()
}
