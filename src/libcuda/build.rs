//! Names the library as NVIDIA's is named, and lets the tests link it as any program links that one.

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("CARGO_CFG_TARGET_OS");
    if target.as_deref() != Ok("linux") {
        return;
    }
    // Programs that link `libcuda.so` then ask for `libcuda.so.1` at run time, by this name.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libcuda.so.1");

    // Cargo puts the library into `deps`, three folders above OUT_DIR, as `libcuda.so` only. Tests that ask for
    // `libcuda.so.1` find it through a link beside this crate's build results.
    let Some(out) = std::env::var_os("OUT_DIR").map(PathBuf::from) else { return };
    let Some(deps) = out.ancestors().nth(3).map(|folder| folder.join("deps")) else { return };
    for name in ["libcuda.so", "libcuda.so.1"] {
        if let Err(error) = link(&deps.join("libcuda.so"), &out.join(name)) {
            println!("cargo::warning=the tests will not find libcuda.so.1: {error}");
        }
    }
    println!("cargo::rustc-link-arg-tests=-L{}", out.display());
    println!("cargo::rustc-link-arg-tests=-Wl,--no-as-needed,-lcuda,--as-needed");
    // DT_RPATH, which the loader heeds before LD_LIBRARY_PATH: there cargo puts folders in which an older build's library may
    // lie. Not `rustc-link-search`, which would put this one there for everything that cargo runs, pipe included.
    println!("cargo::rustc-link-arg-tests=-Wl,--disable-new-dtags,-rpath,{}", out.display());
}

#[cfg(unix)]
fn link(library: &Path, link: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(link) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => std::os::unix::fs::symlink(library, link),
    }
}

#[cfg(not(unix))]
fn link(_library: &Path, _link: &Path) -> std::io::Result<()> {
    Ok(())
}
