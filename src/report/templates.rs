//! The templates: those carried in the binary, and a folder of the user's laid over them.

use std::{collections::BTreeMap, fs, io, path::Path};

use include_dir::{Dir, include_dir};

use crate::error::ReportError;

static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../reports");

/// What the file name of every template ends in.
pub(crate) const SUFFIX: &str = ".md.j2";

/// A template's text and where it came from.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    /// The file's path, or its name and that it is built in; for messages.
    pub(crate) origin: String,
    /// The text.
    pub(crate) text: String,
}

/// All templates by file name; the folder's win.
pub(crate) fn load(overlay: Option<&Path>) -> Result<BTreeMap<String, Template>, ReportError> {
    let mut templates = built_in();
    if let Some(folder) = overlay {
        templates.extend(folder_templates(folder)?);
    }
    Ok(templates)
}

fn built_in() -> BTreeMap<String, Template> {
    BUILT_IN
        .files()
        .filter_map(|file| {
            let name = file.path().to_str().filter(|name| name.ends_with(SUFFIX))?;
            let text = file.contents_utf8()?.to_owned();
            Some((name.to_owned(), Template { origin: format!("reports/{name} (built in)"), text }))
        })
        .collect()
}

fn folder_templates(folder: &Path) -> Result<BTreeMap<String, Template>, ReportError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ReportError::Folder { path, source }
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(failed(folder)(error)),
    };
    let mut templates = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(failed(folder))?.path();
        let Some(name) =
            path.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(SUFFIX))
        else {
            continue;
        };
        let text = fs::read_to_string(&path).map_err(failed(&path))?;
        templates.insert(name.to_owned(), Template { origin: path.display().to_string(), text });
    }
    Ok(templates)
}
