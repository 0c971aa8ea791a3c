//! From what stands on the command line to the files to import.

use std::path::{Path, PathBuf};

use crate::error::CommandError;

/// A file to import.
#[derive(Debug)]
pub(super) struct Input {
    /// Where it is; none for standard input.
    pub(super) path: Option<PathBuf>,
    /// Whether it was met in a folder rather than named.
    pub(super) is_found: bool,
}

impl Input {
    /// For messages.
    pub(super) fn name(&self) -> String {
        self.path.as_ref().map_or_else(|| "standard input".to_owned(), |path| path.display().to_string())
    }
}

/// Every file that `arguments` name, relative to `folder`, and what could not be looked at.
pub(super) fn expand(arguments: &[String], folder: &Path) -> Result<(Vec<Input>, Vec<String>), CommandError> {
    let (mut inputs, mut warnings) = (Vec::new(), Vec::new());
    for argument in arguments {
        if argument == "-" {
            inputs.push(Input { path: None, is_found: false });
            continue;
        }
        // Joined to `.` a path would be shown as nobody typed it.
        let path = if folder == Path::new(".") { PathBuf::from(argument) } else { folder.join(argument) };
        if path.symlink_metadata().is_ok() {
            take(path, &mut inputs, &mut warnings)?;
            continue;
        }
        let before = inputs.len();
        let is_pattern = argument.contains(['*', '?', '[']);
        if is_pattern {
            let pattern = path.to_string_lossy();
            let matches = glob::glob(&pattern)
                .map_err(|error| CommandError::usage(format!("'{argument}' is not a pattern: {error}")))?;
            for found in matches {
                match found {
                    Ok(path) => take(path, &mut inputs, &mut warnings)?,
                    Err(error) => warnings.push(error.to_string()),
                }
            }
        }
        if inputs.len() == before {
            let what = if is_pattern { "matches no file" } else { "does not exist" };
            return Err(CommandError::usage(format!("'{argument}' {what}"))
                .with_hint("name files, folders, a pattern such as 'runs/*.json', or `-`"));
        }
    }
    Ok((inputs, warnings))
}

/// A file as it is, a folder with all in it that may be results.
fn take(path: PathBuf, inputs: &mut Vec<Input>, warnings: &mut Vec<String>) -> Result<(), CommandError> {
    if !path.is_dir() {
        inputs.push(Input { path: Some(path), is_found: false });
        return Ok(());
    }
    let (files, skipped) = pipe_import::discover(&path).map_err(CommandError::failed)?;
    inputs.extend(files.into_iter().map(|path| Input { path: Some(path), is_found: true }));
    warnings.extend(skipped.iter().map(ToString::to_string));
    Ok(())
}
