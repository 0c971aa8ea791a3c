//! What NVIDIA's assembler makes of a kernel, where it is at hand. Nothing needs it: without, the model takes the registers
//! that the embedded device's own allocation needs.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
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
    /// It took the text and said nothing of the entry.
    #[error("{} says nothing of the registers of {entry}", program.display())]
    Silent {
        /// The file that was started.
        program: PathBuf,
        /// The kernel.
        entry: String,
    },
}

/// What the assembler says of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Assembled {
    /// 32-bit registers of a thread.
    pub registers: u32,
    /// Bytes that its instructions store to and load from local memory because registers ran out, a thread.
    pub spilled_bytes: u32,
}

/// NVIDIA's assembler, and what it said so far.
#[derive(Debug, Clone)]
pub struct Ptxas {
    program: PathBuf,
    /// By text, entry and architecture.
    answers: BTreeMap<(Arc<str>, String, String), Result<Assembled, PtxasError>>,
}

impl Ptxas {
    /// The assembler that is this file.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), answers: BTreeMap::new() }
    }

    /// Its version, such as `12.9.86`.
    ///
    /// # Errors
    /// It cannot be run.
    pub fn version(&self) -> Result<String, PtxasError> {
        let text = self.run(Command::new(&self.program).arg("--version"))?.1;
        let version = text.split_whitespace().rev().find_map(|word| word.strip_prefix('V'));
        Ok(version.unwrap_or("unknown").to_owned())
    }

    /// An entry of a text for an architecture such as `sm_90`.
    ///
    /// # Errors
    /// It cannot be run, or does not take the text.
    pub fn assemble(&mut self, ptx: &Arc<str>, entry: &str, arch: &str) -> Result<Assembled, PtxasError> {
        let key = (Arc::clone(ptx), entry.to_owned(), arch.to_owned());
        if let Some(answer) = self.answers.get(&key) {
            return answer.clone();
        }
        let answer = self.ask(ptx, entry, arch);
        self.answers.insert(key, answer.clone());
        answer
    }

    /// What it said of the texts that it did not take for an architecture.
    pub fn refusals(&self, arch: &str) -> impl Iterator<Item = &PtxasError> {
        let own = self.answers.iter().filter(move |((_, _, own), _)| own == arch);
        own.filter_map(|(_, answer)| answer.as_ref().err())
    }

    fn ask(&self, ptx: &str, entry: &str, arch: &str) -> Result<Assembled, PtxasError> {
        let unusable = |error: std::io::Error| self.unusable(&error);
        let mut source = NamedTempFile::with_suffix(".ptx").map_err(unusable)?;
        source.write_all(ptx.as_bytes()).map_err(unusable)?;
        let object = NamedTempFile::with_suffix(".cubin").map_err(unusable)?;
        let mut command = Command::new(&self.program);
        command.args(["-v", "-arch", arch, "-e", entry, "-o"]).arg(object.path()).arg(source.path());
        let (success, text) = self.run(&mut command)?;
        if !success {
            let message = text.lines().next().unwrap_or("no message").trim().to_owned();
            return Err(PtxasError::Refused {
                program: self.program.clone(),
                arch: arch.to_owned(),
                message,
            });
        }
        let silent = || PtxasError::Silent { program: self.program.clone(), entry: entry.to_owned() };
        parse(&text).get(entry).copied().ok_or_else(silent)
    }

    /// Whether it was content, and all that it said.
    fn run(&self, command: &mut Command) -> Result<(bool, String), PtxasError> {
        let output = command.stdin(Stdio::null()).output().map_err(|error| self.unusable(&error))?;
        let text = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        Ok((output.status.success(), text.into_owned()))
    }

    fn unusable(&self, error: &std::io::Error) -> PtxasError {
        PtxasError::Run { program: self.program.clone(), message: error.to_string() }
    }
}

/// The name that the assembler has for GPUs of a compute capability such as `9.0`.
pub(crate) fn architecture(compute_capability: &str) -> String {
    format!("sm_{}", compute_capability.replace('.', ""))
}

/// By entry, from what `ptxas -v` says: a line that names the entry, then one that counts spills, for it and each function
/// that it calls, and one that counts registers.
fn parse(text: &str) -> BTreeMap<String, Assembled> {
    let mut entries: BTreeMap<String, Assembled> = BTreeMap::new();
    let mut entry = None;
    for line in text.lines() {
        if let Some((_, rest)) = line.split_once("Compiling entry function '") {
            entry = rest.split('\'').next();
        }
        let Some(entry) = entry else { continue };
        for part in line.split(',') {
            if let Some((count, "spill stores" | "spill loads")) = part.trim().split_once(" bytes ")
                && let Ok(count) = count.parse::<u32>()
            {
                entries.entry(entry.to_owned()).or_default().spilled_bytes += count;
            }
        }
        if let Some((_, rest)) = line.split_once("Used ")
            && let Some((count, _)) = rest.split_once(" registers")
            && let Ok(count) = count.trim().parse()
        {
            entries.entry(entry.to_owned()).or_default().registers = count;
        }
    }
    entries.retain(|_, assembled| assembled.registers > 0);
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_and_spills_are_read_off_its_report() {
        let report = "\
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'first' for 'sm_90'
ptxas info    : Function properties for first
    8 bytes stack frame, 12 bytes spill stores, 16 bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers, 16384 bytes smem
ptxas info    : Compiling entry function 'second' for 'sm_90'
ptxas info    : Function properties for helper
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 8 registers, used 0 barriers
";
        let assembled = |registers, spilled_bytes| Assembled { registers, spilled_bytes };
        let expected = [("first", assembled(40, 28)), ("second", assembled(8, 0))];
        assert_eq!(parse(report), expected.map(|(name, entry)| (name.to_owned(), entry)).into());
        assert_eq!(parse("anything else"), BTreeMap::new());
    }

    #[test]
    fn what_cannot_be_run_is_named() {
        let mut ptxas = Ptxas::new("/nowhere/ptxas");
        let error = ptxas.assemble(&Arc::from(""), "kernel", "sm_90").unwrap_err().to_string();
        assert!(error.starts_with("cannot run /nowhere/ptxas: "), "{error}");
        assert_eq!(ptxas.refusals("sm_90").count(), 1);
        assert_eq!(ptxas.refusals("sm_80").count(), 0);
    }
}
