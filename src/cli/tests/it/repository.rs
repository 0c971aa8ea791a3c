//! A git repository in a temporary folder, and `pipe` run in it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command as Process,
};

use assert_cmd::{Command, assert::Assert};
use tempfile::TempDir;

/// A benchmark type small enough for a test: one case in every profile.
fn tiny_type() -> String {
    let case = r#"
batch_size = 1
seq_len = 64
num_heads = 2
head_dim = 32
dtype = "f32"
causal = false
groups = { segment_lengths = [32, 64], dilation_rates = [1, 2] }
"#;
    let profiles = ["quick", "standard", "full"].map(|profile| format!("\n[[{profile}]]{case}"));
    format!("description = \"one small case\"\nimplementations = \"all\"\n{}", profiles.concat())
}

pub(crate) struct Repository {
    folder: TempDir,
}

impl Repository {
    /// A folder without git.
    pub(crate) fn plain() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        repository.write("kernels-ptx/types/tiny.toml", &tiny_type());
        repository
    }

    /// A repository without a commit.
    pub(crate) fn unborn() -> Self {
        let repository = Self::plain();
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.write(".gitignore", "/history/\n");
        repository
    }

    /// A repository with one commit.
    pub(crate) fn new() -> Self {
        let repository = Self::unborn();
        repository.commit("first");
        repository
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits everything and returns the hash.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = Process::new("git")
            .args(["-c", "user.name=A Tester", "-c", "user.email=tester@example.org"])
            .args(arguments)
            .current_dir(self.path())
            .output()
            .expect("the tests need git");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// `pipe` with `arguments`, in this repository.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = pipe();
        command.current_dir(self.path()).args(arguments);
        command
    }

    pub(crate) fn pipe(&self, arguments: &[&str]) -> Assert {
        self.command(arguments).assert()
    }

    /// Measures the small type with one implementation.
    pub(crate) fn bench(&self) -> Assert {
        self.pipe(&["bench", "tiny", "--implementation", "attention", "--device", "embedded"])
    }

    /// Every run's file.
    pub(crate) fn runs(&self) -> Vec<PathBuf> {
        fn below(folder: &Path, found: &mut Vec<PathBuf>) {
            let Ok(entries) = fs::read_dir(folder) else { return };
            for entry in entries {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    below(&path, found);
                } else if path.extension().is_some_and(|extension| extension == "parquet") {
                    found.push(path);
                }
            }
        }
        let mut found = Vec::new();
        below(&self.path().join("history"), &mut found);
        found.sort();
        found
    }
}

/// The binary, without the settings of whoever runs the tests.
pub(crate) fn pipe() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipe"));
    for variable in [
        "PIPE_HISTORY",
        "PIPE_EMBEDDED_MEMORY",
        "PIPE_EMBEDDED_DEVICES",
        "PIPE_INSTRUCTION_BUDGET",
        "PIPE_PTXAS",
        "PIPE_THREADS",
        "NO_COLOR",
    ] {
        command.env_remove(variable);
    }
    command
}

/// What an assertion's process wrote to standard output.
pub(crate) fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

/// What an assertion's process wrote to standard error.
pub(crate) fn stderr(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

/// A kernel that computes attention right, with `extra` instructions a warp that do nothing.
pub(crate) fn attention(repository: &Repository, name: &str, extra: usize) {
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../kernels-ptx/attention");
    let first = "    mov.u32         %thread, %tid.x;\n";
    let ptx = fs::read_to_string(built_in.join("kernel.ptx")).unwrap();
    assert!(ptx.contains(first), "the kernel begins otherwise");
    let ptx = ptx.replacen(first, &first.repeat(1 + extra), 1);
    repository.write(&format!("kernels-ptx/{name}/kernel.ptx"), &ptx);
    let manifest = fs::read_to_string(built_in.join("kernel.toml")).unwrap();
    repository.write(&format!("kernels-ptx/{name}/kernel.toml"), &manifest);
}
