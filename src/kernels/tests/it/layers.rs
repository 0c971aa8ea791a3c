//! Folders and commits laid over what the binary carries, and what a broken file gets.

use std::{fs, path::Path, process::Command};

use pipe_kernels::{Library, LookupError, Origin};
use pipe_model::Commit;

use crate::{MANIFEST, PTX, write};

fn git(root: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit(root: &Path) -> Commit {
    git(root, &["add", "--all"]);
    git(root, &["commit", "--quiet", "--allow-empty", "--message", "a commit"]);
    git(root, &["rev-parse", "HEAD"]).parse().unwrap()
}

fn folder_library(root: &Path) -> Library {
    Library::built_in().overlay_folder(&root.join("kernels-ptx")).unwrap()
}

fn broken(library: &Library, name: &str, root: &Path) -> String {
    match library.implementation(name) {
        Err(LookupError::Broken(broken)) => broken.to_string().replace(&format!("{}/", root.display()), ""),
        other => panic!("{name} should be broken: {other:?}"),
    }
}

#[test]
fn a_folder_lies_over_what_is_built_in() {
    let root = tempfile::tempdir().unwrap();
    let built_in = Library::built_in();
    assert!(built_in.implementation("mine").is_err());
    write(root.path(), "mine/kernel.toml", MANIFEST);
    write(root.path(), "mine/kernel.ptx", PTX);
    write(root.path(), "dilated/kernel.toml", MANIFEST);
    write(root.path(), "dilated/kernel.ptx", PTX);
    write(root.path(), "README.md", "prose is not read");
    write(root.path(), "notes/plan.txt", "nor are folders without a kernel");

    let library = folder_library(root.path());
    let mine = library.implementation("mine").unwrap();
    assert_eq!(mine.summary(), "a test");
    assert_eq!(*mine.origin(), Origin::Folder(root.path().join("kernels-ptx")));
    // The name is no part of the digest: the same two files are the same kernel.
    assert_eq!(mine.digest(), library.implementation("dilated").unwrap().digest());
    assert_ne!(mine.digest(), built_in.implementation("dilated").unwrap().digest());
    assert_eq!(*library.implementation("attention").unwrap().origin(), Origin::BuiltIn);
    assert_eq!(library.broken().count(), 0);
    assert!(library.implementation("notes").is_err());
}

#[test]
fn a_folder_that_is_not_there_is_empty() {
    let library = Library::built_in().overlay_folder(Path::new("no/such/folder")).unwrap();
    assert_eq!(library.implementations().count(), Library::built_in().implementations().count());
}

#[test]
fn a_commit_is_read_without_a_checkout() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    git(root, &["init", "--quiet", "--initial-branch", "main"]);
    let empty = commit(root);
    write(root, "mine/kernel.toml", MANIFEST);
    write(root, "mine/kernel.ptx", PTX);
    write(root, "types/mine.toml", include_str!("../../../../kernels-ptx/types/all-implementations.toml"));
    let first = commit(root);
    let first_digest = folder_library(root).implementation("mine").unwrap().digest().to_owned();
    write(root, "mine/kernel.ptx", format!("{PTX}// slower\n"));
    let second = commit(root);
    git(root, &["gc", "--quiet"]);
    fs::remove_dir_all(root.join("kernels-ptx")).unwrap();

    let at = |commit: &Commit| Library::built_in().overlay_commit(root, commit).unwrap();
    assert!(at(&empty).implementation("mine").is_err());
    assert_eq!(at(&first).implementation("mine").unwrap().digest(), first_digest);
    assert_ne!(at(&second).implementation("mine").unwrap().digest(), first_digest);
    assert!(at(&second).benchmark_type("mine").is_ok());
    assert!(!root.join("kernels-ptx").exists());
    let Commit::Hash(hash) = &first else { panic!("{first} is a hash") };
    assert_eq!(*at(&first).implementation("mine").unwrap().origin(), Origin::Commit(hash.clone()));
}

#[test]
fn a_broken_file_of_a_commit_is_named_with_the_commit() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    git(root, &["init", "--quiet"]);
    write(root, "mine/kernel.toml", MANIFEST.replace("summary", "sumary"));
    write(root, "mine/kernel.ptx", PTX);
    let commit = commit(root);
    let library = Library::built_in().overlay_commit(root, &commit).unwrap();
    let message = broken(&library, "mine", root).replace(commit.short(), "<commit>");
    insta::assert_snapshot!(message, @"kernels-ptx/mine/kernel.toml at commit <commit>:3:1: unknown field `sumary`, expected one of `op`, `summary`, `description`, `sources`, `dtypes`, `head_dims`, `parameters`, `reference`, `tensor`, `requires`, `define`, `workspace`, `table`, `launch`; did you mean 'summary'?");
    assert!(library.implementation("attention").is_ok());
}

#[test]
fn a_commit_that_is_not_there_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    git(root.path(), &["init", "--quiet"]);
    let missing = "0123456789012345678901234567890123456789".parse().unwrap();
    let error = Library::built_in().overlay_commit(root.path(), &missing).unwrap_err().to_string();
    assert!(error.contains("0123456789012345678901234567890123456789"), "{error}");
    let error = Library::built_in().overlay_commit(root.path(), &Commit::Unversioned).unwrap_err();
    insta::assert_snapshot!(error, @"no kernels can be read from commit 'unversioned'; give a commit of the repository");
}

#[test]
fn broken_implementations_are_named_and_leave_the_rest_alone() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    write(root, "no-ptx/kernel.toml", MANIFEST);
    write(root, "no-manifest/kernel.ptx", PTX);
    write(root, "empty/kernel.toml", MANIFEST);
    write(root, "empty/kernel.ptx", " \n");
    write(root, "latin/kernel.toml", MANIFEST);
    write(root, "latin/kernel.ptx", b".version 7.0\n// caf\xe9\n");
    write(root, "Bad Name/kernel.toml", MANIFEST);
    write(root, "Bad Name/kernel.ptx", PTX);
    write(root, "huge/kernel.toml", MANIFEST);
    write(root, "huge/kernel.ptx", "");
    fs::File::options()
        .write(true)
        .open(root.join("kernels-ptx/huge/kernel.ptx"))
        .unwrap()
        .set_len(33 << 20)
        .unwrap();
    fs::create_dir_all(root.join("kernels-ptx/folder/kernel.toml")).unwrap();

    let library = folder_library(root);
    assert!(library.implementation("attention").is_ok());
    assert_eq!(library.broken().count(), 7);
    let mut messages: Vec<_> = library
        .broken()
        .map(|broken| broken.to_string().replace(&format!("{}/", root.display()), ""))
        .collect();
    messages.sort();
    insta::assert_snapshot!(messages.join("\n"), @r"
    kernels-ptx/Bad Name: the folder's name is no implementation name; use lower-case letters, digits and single hyphens
    kernels-ptx/empty/kernel.ptx: the file is empty; write it or remove its folder
    kernels-ptx/folder/kernel.toml: not a file
    kernels-ptx/huge/kernel.ptx: the file has 34603008 bytes, more than the 33554432 that are read; make it smaller
    kernels-ptx/latin/kernel.ptx:2:7: the file is not UTF-8 text; save it as UTF-8
    kernels-ptx/no-manifest: there is no kernel.toml; write its manifest
    kernels-ptx/no-ptx: there is no kernel.ptx; put the PTX beside its manifest
    ");
}

#[test]
fn a_manifest_can_name_the_ptx_of_others() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    git(root, &["init", "--quiet"]);
    let with = |sources: &str| format!("sources = {sources}\n{MANIFEST}");
    write(root, "mine/kernel.toml", MANIFEST);
    write(root, "mine/kernel.ptx", PTX);
    write(root, "guest/kernel.toml", with(r#"["../mine/kernel.ptx", "../dilated/kernel.ptx"]"#));
    let before = folder_library(root);
    let guest = before.implementation("guest").unwrap();
    let files = |library: &Library| -> Vec<String> {
        let sources = library.implementation("guest").unwrap().sources().iter();
        sources.map(|source| source.file().replace(&format!("{}/", root.display()), "")).collect()
    };
    // What the layer lacks is that of the layer below.
    assert_eq!(files(&before), ["kernels-ptx/mine/kernel.ptx", "built-in kernels-ptx/dilated/kernel.ptx"]);
    assert_eq!(guest.source_of("kernel_d64").ptx(), PTX);
    let built_in = Library::built_in();
    let entry = "gather_f32";
    assert_eq!(guest.source_of(entry), built_in.implementation("dilated").unwrap().source_of(entry));

    // The digest covers every file, in a commit as in the folder.
    let first = commit(root);
    let digest = |library: &Library| library.implementation("guest").unwrap().digest().to_owned();
    write(root, "mine/kernel.ptx", format!("{PTX}// slower\n"));
    let after = folder_library(root);
    assert_ne!(digest(&before), digest(&after));
    assert_eq!(digest(&before), digest(&built_in.overlay_commit(root, &first).unwrap()));
}

#[test]
fn sources_that_are_not_there_are_named() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let said = |sources: &str| {
        write(root, "mine/kernel.toml", format!("sources = {sources}\n{MANIFEST}"));
        broken(&folder_library(root), "mine", root)
    };
    insta::assert_snapshot!(said(r#"["../dialted/kernel.ptx"]"#), @"kernels-ptx/mine/kernel.toml:1:12: there is no implementation 'dialted' with a kernel.ptx here or built in; did you mean 'dilated'?");
    insta::assert_snapshot!(said(r#"["../dilated/other.ptx"]"#), @"kernels-ptx/mine/kernel.toml:1:12: `../dilated/other.ptx` is no source; write kernel.ptx or ../IMPLEMENTATION/kernel.ptx");
    insta::assert_snapshot!(said(r#"["../dilated/kernel.ptx", "../dilated/kernel.ptx"]"#), @"kernels-ptx/mine/kernel.toml:1:37: `../dilated/kernel.ptx` is named twice; once is enough");
    insta::assert_snapshot!(said(r#"["kernel.ptx"]"#), @"kernels-ptx/mine: there is no kernel.ptx; put the PTX beside its manifest");
    insta::assert_snapshot!(said("[]"), @"kernels-ptx/mine/kernel.toml:1:11: the list is empty; give at least one");
    write(root, "mine/kernel.ptx", PTX);
    insta::assert_snapshot!(said(r#"["../dilated/kernel.ptx"]"#), @r#"kernels-ptx/mine/kernel.ptx: `sources` of kernel.toml does not name this file; add "kernel.ptx" to it, or remove the file"#);
}

#[test]
fn an_unknown_name_suggests_near_ones() {
    let library = Library::built_in();
    insta::assert_snapshot!(library.implementation("improved-dialted").unwrap_err(), @"unknown implementation 'improved-dialted'; did you mean 'improved-dilated' or 'improved-multihead-dilated'?");
    insta::assert_snapshot!(library.implementation("zzz").unwrap_err(), @"unknown implementation 'zzz'; there are attention, block-sparse-ring-dilated, block-sparse-ring-multihead-dilated, dilated, flash-attention, flash-attention-scalar, improved-dilated, improved-multihead-dilated, multihead-dilated, ring-dilated, ring-multihead-dilated");
    insta::assert_snapshot!(library.benchmark_type("all-implementation").unwrap_err(), @"unknown benchmark type 'all-implementation'; did you mean 'all-implementations'?");
}

#[test]
fn broken_types_are_named() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let good = include_str!("../../../../kernels-ptx/types/all-implementations.toml");
    write(root, "types/axis.toml", good.replacen("num_heads = 4", "heads = 4", 1));
    write(root, "types/dtype.toml", good.replacen("\"f32\"", "\"f23\"", 1));
    write(root, "types/groups.toml", good.replacen("dilation_rates = [1, 2]", "dilation_rates = 2", 1));
    write(root, "types/metric.toml", good.replacen("\n\n#", "\nmetrics = \"gpu_tim\"\n#", 1));
    write(root, "types/none.toml", good.replacen("seq_len = 512", "seq_len = []", 1));
    write(root, "types/procedure.toml", good.replacen("\n\n#", "\nprocedure = \"tim\"\n#", 1));
    let traces = include_str!("../../../../kernels-ptx/types/memory-pool.toml");
    write(root, "types/trace.toml", traces.replacen("\"reuse\"", "\"reus\"", 1));
    write(root, "types/trace-axis.toml", traces.replacen("smallest_bytes", "seq_len", 1));
    let library = folder_library(root);
    let messages: Vec<_> = library
        .broken()
        .map(|broken| broken.to_string().replace(&format!("{}/", root.display()), ""))
        .collect();
    insta::assert_snapshot!(messages.join("\n"), @r"
    kernels-ptx/types/axis.toml:10:1: unknown field `heads`, expected one of `batch_size`, `seq_len`, `num_heads`, `head_dim`, `dtype`, `causal`, `groups`, `parameters`; did you mean 'num_heads'?
    kernels-ptx/types/dtype.toml:12:9: 'f23' is not a dtype; expected f32, f16, bf16
    kernels-ptx/types/groups.toml:14:59: invalid type: integer `2`, expected a sequence
    kernels-ptx/types/metric.toml:5:11: no metric is called 'gpu_tim'; did you mean 'gpu_time'?
    kernels-ptx/types/none.toml:9:11: the axis is empty; give a value
    kernels-ptx/types/procedure.toml:5:13: unknown procedure 'tim', there are time, slices, ring-steps, limits, distributed, allocations; did you mean 'time'?
    kernels-ptx/types/trace.toml:9:26: unknown trace 'reus', there are varied-sizes, reuse, fragmentation; did you mean 'reuse'?
    kernels-ptx/types/trace-axis.toml:11:1: unknown field `seq_len`, expected one of `trace`, `allocations`, `smallest_bytes`, `largest_bytes`, `seed`
    ");
}

#[test]
fn gpus_of_ones_own_lie_over_those_built_in() {
    let root = tempfile::tempdir().unwrap();
    let own = include_str!("../../../../kernels-ptx/gpus/h100.toml").replace("SXM5 80GB", "PCIe");
    write(root.path(), "gpus/h100.toml", &own);
    write(root.path(), "gpus/l40.toml", own.replace("clock_mhz = 1980", "clock_mhz = 0"));
    let library = folder_library(root.path());
    assert_eq!(library.gpu("h100").unwrap().name, "NVIDIA H100 PCIe");
    let error = library.gpu("l40").unwrap_err().to_string();
    assert!(error.ends_with("gpus/l40.toml: `clock_mhz` must be a number above 0"), "{error}");
    assert_eq!(library.broken().count(), 1);
}
