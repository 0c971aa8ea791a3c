//! Registers as NVIDIA's assembler gives them out, where one is at hand. Nothing needs it: without, the model takes what
//! the embedded device's own allocation needs.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::NamedTempFile;

/// The assembler says nothing of use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PtxasError {
    /// It cannot be run.
    #[error("cannot run {}: {message}; name NVIDIA's assembler, or leave it out", program.display())]
    Run {
        /// The file that was started.
        program: PathBuf,
        /// What the system says.
        message: String,
    },
    /// It refuses the text: for most, the text asks for a newer GPU.
    #[error("{} refuses the PTX for {arch}: {message}", program.display())]
    Refused {
        /// The file that was started.
        program: PathBuf,
        /// `sm_90`, for instance.
        arch: String,
        /// The first line of what it says.
        message: String,
    },
}

/// NVIDIA's assembler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ptxas {
    program: PathBuf,
}

impl Ptxas {
    /// The assembler that is this file.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into() }
    }

    /// 32-bit registers of a thread, by entry, for a GPU of a compute capability such as `9.0`.
    ///
    /// # Errors
    /// It cannot be run, or does not take the text.
    pub fn registers(
        &self,
        ptx: &str,
        compute_capability: &str,
    ) -> Result<BTreeMap<String, u32>, PtxasError> {
        let unusable = |error: std::io::Error| PtxasError::Run {
            program: self.program.clone(),
            message: error.to_string(),
        };
        let arch = format!("sm_{}", compute_capability.replace('.', ""));
        let mut source = NamedTempFile::with_suffix(".ptx").map_err(unusable)?;
        source.write_all(ptx.as_bytes()).map_err(unusable)?;
        let object = NamedTempFile::with_suffix(".cubin").map_err(unusable)?;
        let output = Command::new(&self.program)
            .args(["-v", "-arch", &arch, "-o"])
            .arg(object.path())
            .arg(source.path())
            .stdin(Stdio::null())
            .output()
            .map_err(unusable)?;
        let text = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let message = text.lines().next().unwrap_or("no message").trim().to_owned();
            return Err(PtxasError::Refused { program: self.program.clone(), arch, message });
        }
        Ok(parse(&text))
    }
}

/// Registers by entry, from what `ptxas -v` says: a line that names the entry, then one that counts.
fn parse(text: &str) -> BTreeMap<String, u32> {
    let mut registers = BTreeMap::new();
    let mut entry = None;
    for line in text.lines() {
        if let Some((_, rest)) = line.split_once("Compiling entry function '") {
            entry = rest.split('\'').next();
        } else if let Some((_, rest)) = line.split_once("Used ")
            && let Some((count, _)) = rest.split_once(" registers")
            && let (Some(entry), Ok(count)) = (entry, count.trim().parse())
        {
            registers.insert(entry.to_owned(), count);
        }
    }
    registers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_read_off_its_report() {
        let report = "\
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'first' for 'sm_90'
ptxas info    : Function properties for first
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers, 16384 bytes smem
ptxas info    : Compiling entry function 'second' for 'sm_90'
ptxas info    : Function properties for helper
ptxas info    : Used 8 registers, used 0 barriers
";
        assert_eq!(parse(report), [("first".to_owned(), 40), ("second".to_owned(), 8)].into());
        assert_eq!(parse("anything else"), BTreeMap::new());
    }

    #[test]
    fn what_cannot_be_run_is_named() {
        let error = Ptxas::new("/nowhere/ptxas").registers("", "9.0").unwrap_err().to_string();
        assert!(error.starts_with("cannot run /nowhere/ptxas: "), "{error}");
    }
}
