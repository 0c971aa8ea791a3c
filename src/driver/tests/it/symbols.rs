//! The table of functions against `cust` and `cust_raw`.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;

use pipe_driver::abi::{CUDA_ERROR_UNKNOWN, NEWER_RESULTS, RESULTS};
use pipe_driver::symbols::{EMBEDDED, FORWARDED};

/// Where cargo keeps a dependency's sources.
fn sources(package: &str) -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--format-version=1", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let found =
        metadata["packages"].as_array().unwrap().iter().find(|entry| entry["name"] == package).unwrap();
    Path::new(found["manifest_path"].as_str().unwrap()).with_file_name("src")
}

/// The text of all Rust files below a folder.
fn text_below(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| if path.is_dir() { text_below(&path) } else { std::fs::read_to_string(path).unwrap() })
        .collect()
}

#[test]
fn every_function_that_cust_names_is_defined() {
    let cust = text_below(&sources("cust"));
    let named: BTreeSet<&str> = cust.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let cust_raw = text_below(&sources("cust_raw"));
    let declared = cust_raw.split("pub fn ").skip(1).filter_map(|rest| rest.split('(').next());
    let needed: Vec<&str> = declared.filter(|name| named.contains(name)).collect();
    assert!(needed.len() > 100, "cust names only {} driver functions", needed.len());
    let missing: Vec<_> =
        needed.iter().filter(|name| !EMBEDDED.contains(name) && !FORWARDED.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Sizes of a C function's arguments and of what it returns, in bytes.
trait Signature {
    fn sizes(self) -> Vec<usize>;
}

macro_rules! signatures {
    ($($($arg:ident)*;)*) => {$(
        signatures!(@one unsafe extern "C" fn($($arg),*) -> R, $($arg)*);
        signatures!(@one unsafe fn($($arg),*) -> R, $($arg)*);
    )*};
    (@one $function:ty, $($arg:ident)*) => {
        impl<$($arg,)* R> Signature for $function {
            fn sizes(self) -> Vec<usize> {
                vec![$(size_of::<$arg>(),)* size_of::<R>()]
            }
        }
    };
}

signatures! {
    ;
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
    A B C D E F G H I;
    A B C D E F G H I J;
    A B C D E F G H I J K;
}

/// Compares each function with what `cust_raw` declares, and takes its address, which links only if it is
/// exported.
macro_rules! compare {
    (
        embedded { $($name:ident($($arg:ident: $_t:ty),*);)* }
        forwarded { $($other:ident($($other_arg:ident: $_u:ty),*);)* }
        later { $($_later:tt)* }
    ) => {
        compare!(@all $($name($($arg),*);)* $($other($($other_arg),*);)*);
    };
    (@all $($name:ident($($arg:ident),*);)*) => {$({
        let ours = pipe_driver::front::$name as unsafe extern "C" fn($(compare!(@any $arg)),*) -> _;
        let theirs = cust::sys::$name as unsafe extern "C" fn($(compare!(@any $arg)),*) -> _;
        assert_eq!(ours.sizes(), theirs.sizes(), "{}", stringify!($name));
        // Opaque to the compiler, so that the linker has to find both.
        let (ours, theirs) = (black_box(ours) as usize, black_box(theirs) as usize);
        assert_eq!(ours, theirs, "{} is somebody else's", stringify!($name));
    })*};
    (@any $arg:ident) => { _ };
}

#[test]
fn every_function_has_the_signature_that_cust_calls() {
    pipe_driver::for_each_symbol!(compare);
    assert_eq!(size_of::<pipe_driver::abi::Memcpy2d>(), size_of::<cust::sys::CUDA_MEMCPY2D>());
}

/// Compares each function that came after CUDA 11.4 with what `cudarc` declares.
macro_rules! compare_later {
    (embedded { $($_embedded:tt)* } forwarded { $($_forwarded:tt)* } later { $($name:ident($($arg:ident: $_t:ty),*);)* }) => {$({
        let ours = pipe_driver::front::$name as unsafe extern "C" fn($(compare!(@any $arg)),*) -> _;
        let theirs = cudarc::driver::sys::$name as unsafe fn($(compare!(@any $arg)),*) -> _;
        assert_eq!(ours.sizes(), theirs.sizes(), "{}", stringify!($name));
    })*};
}

#[test]
fn later_functions_have_the_signature_that_cudarc_calls() {
    pipe_driver::for_each_symbol!(compare_later);
}

#[test]
fn structures_are_as_large_as_cudas() {
    use cudarc::driver::sys;
    use pipe_driver::abi::*;

    let sizes = [
        (size_of::<Memcpy3d>(), size_of::<sys::CUDA_MEMCPY3D>()),
        (size_of::<KernelNodeParams>(), size_of::<cust::sys::CUDA_KERNEL_NODE_PARAMS>()),
        (size_of::<KernelNodeParamsV2>(), size_of::<sys::CUDA_KERNEL_NODE_PARAMS_v2>()),
        (size_of::<MemsetNodeParams>(), size_of::<sys::CUDA_MEMSET_NODE_PARAMS_v1>()),
        (size_of::<HostNodeParams>(), size_of::<sys::CUDA_HOST_NODE_PARAMS_v1>()),
        (size_of::<GraphInstantiateParams>(), size_of::<sys::CUDA_GRAPH_INSTANTIATE_PARAMS>()),
        (size_of::<GraphEdgeData>(), size_of::<sys::CUgraphEdgeData>()),
        (size_of::<LaunchConfig>(), size_of::<sys::CUlaunchConfig>()),
        (size_of::<LaunchAttribute>(), size_of::<sys::CUlaunchAttribute>()),
        (size_of::<LaunchAttributeValue>(), size_of::<sys::CUlaunchAttributeValue>()),
        (size_of::<MemPoolProps>(), size_of::<sys::CUmemPoolProps>()),
        (size_of::<MemLocation>(), size_of::<sys::CUmemLocation>()),
        (size_of::<MemAccessDesc>(), size_of::<sys::CUmemAccessDesc>()),
        (size_of::<CtxCreateParams>(), size_of::<sys::CUctxCreateParams>()),
    ];
    for (i, (ours, theirs)) in sizes.into_iter().enumerate() {
        assert_eq!(ours, theirs, "structure {i}");
    }
    assert_eq!(std::mem::offset_of!(Memcpy3d, width), std::mem::offset_of!(sys::CUDA_MEMCPY3D, WidthInBytes));
    assert_eq!(
        std::mem::offset_of!(LaunchConfig, stream),
        std::mem::offset_of!(sys::CUlaunchConfig, hStream)
    );
}

#[test]
fn cust_never_sees_a_result_that_it_does_not_know() {
    let cust_raw = text_below(&sources("cust_raw"));
    let results = cust_raw.split("pub enum cudaError_enum {").nth(1).unwrap().split('}').next().unwrap();
    let results = results.split(',').filter_map(|entry| entry.trim().split_once(" = "));
    let theirs: Vec<_> = results.map(|(name, code)| (code.parse().unwrap(), name.to_owned())).collect();
    let ours: Vec<_> = (RESULTS.iter())
        .filter(|(result, ..)| result.known() == *result)
        .map(|(result, name, _)| (result.0, name.to_str().unwrap().to_owned()))
        .collect();
    assert_eq!(ours, theirs);
    assert!(NEWER_RESULTS.iter().all(|result| result.known() == CUDA_ERROR_UNKNOWN));
}
