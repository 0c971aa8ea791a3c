//! One implementation: its PTX, its manifest, and the digest that names exactly these two.

use std::sync::Arc;

use pipe_model::Dtype;
use sha2::{Digest as _, Sha256};

use crate::{
    Broken, FileError, Op, Origin,
    manifest::Manifest,
    source::{File, Folder},
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
        Ok(Self {
            name: name.to_owned(),
            digest: digest(&ptx, &manifest_text),
            origin,
            ptx_file: ptx_file.name.clone(),
            ptx: ptx.into(),
            manifest_file: manifest_file.name.clone(),
            manifest_text,
            manifest,
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

    /// SHA-256 of PTX and manifest in hexadecimal, the same wherever the two were read from.
    ///
    /// It is taken over, for the PTX and then for the manifest, the length in bytes as a little-endian 64-bit
    /// integer followed by the bytes.
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

    pub(crate) fn shared_ptx(&self) -> Arc<str> {
        Arc::clone(&self.ptx)
    }
}

fn missing(folder: &Folder, file: &str, remedy: &str) -> FileError {
    FileError::whole(&folder.name, format!("there is no {file}; {remedy}"))
}

fn digest(ptx: &str, manifest: &str) -> String {
    let mut hasher = Sha256::new();
    for text in [ptx, manifest] {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lower-case letters, digits and single hyphens, as for benchmark types.
fn is_name(name: &str) -> bool {
    name.parse::<pipe_model::BenchmarkType>().is_ok()
}
