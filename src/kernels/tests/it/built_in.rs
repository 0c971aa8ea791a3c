//! What the binary carries is whole, and the `quick` profile is as small as it says.

use std::{collections::BTreeMap, path::Path};

use pipe_kernels::{Argument, Library, Op, Overrides, Procedure, Profile, Selection};
use pipe_model::{Case, Dtype};
use pipe_ptx::ast::{Item, Type};

use crate::case;

#[test]
fn everything_built_in_can_be_used() {
    let library = Library::built_in();
    assert_eq!(library.broken().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
    let names: Vec<_> = library.implementations().map(|found| found.name().to_owned()).collect();
    let expected = [
        "attention",
        "block-sparse-ring-dilated",
        "block-sparse-ring-multihead-dilated",
        "dilated",
        "flash-attention",
        "flash-attention-scalar",
        "improved-dilated",
        "improved-multihead-dilated",
        "multihead-dilated",
        "ring-dilated",
        "ring-multihead-dilated",
    ];
    assert_eq!(names, expected);
    assert_eq!(library.implementation("attention").unwrap().op(), Op::Attention);
    assert!(library.implementations().all(|found| found.digest().len() == 64));
}

#[test]
fn gpus_are_found_as_people_write_them() {
    let library = Library::built_in();
    let names: Vec<_> = library.gpus().map(|(name, _)| name).collect();
    assert_eq!(names, ["a100", "b200", "gtx-1080", "h100", "h200", "rtx-4090"]);
    assert_eq!(library.gpu("RTX 4090").unwrap().name, "NVIDIA GeForce RTX 4090");
    assert_eq!(library.gpu("H100").unwrap().multiprocessors, 132);
    let error = library.gpu("h10").unwrap_err().to_string();
    assert_eq!(error, "unknown GPU 'h10'; did you mean 'h100'?");
    assert!(library.gpus().all(|(_, gpu)| !gpu.sources.is_empty()));
}

#[test]
fn every_case_of_every_type_has_a_plan() {
    let library = Library::built_in();
    for benchmark in library.benchmark_types() {
        for profile in Profile::ALL {
            let cases = benchmark.cases(*profile, &Overrides::default());
            assert!(!cases.is_empty(), "{}: {profile}", benchmark.name);
            // The cases of other procedures are not planned as they are.
            let cases = cases.iter().filter(|_| benchmark.procedure == Procedure::Time);
            for case in cases {
                let able = library.implementations().filter(|found| found.has_entry_for(case));
                let planned = able.map(|implementation| {
                    let plan = implementation.plan(case).unwrap();
                    assert!(!plan.launches.is_empty(), "{}: {}", implementation.name(), case.config());
                });
                assert_ne!(planned.count(), 0, "nothing can do {}", case.config());
            }
        }
    }
}

#[test]
fn a_digest_is_the_same_however_the_files_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../kernels-ptx");
    let read = Library::built_in().overlay_folder(&folder).unwrap();
    for built_in in Library::built_in().implementations() {
        assert_eq!(built_in.digest(), read.implementation(built_in.name()).unwrap().digest());
    }
}

#[test]
fn arguments_fit_the_parameters_of_their_entries() {
    for implementation in Library::built_in().implementations() {
        let mut entries: BTreeMap<String, Vec<Type>> = BTreeMap::new();
        for source in implementation.sources() {
            assert!(source.ptx().is_ascii(), "{}: ptxas reads ASCII", source.file());
            for item in pipe_ptx::parse(source.ptx()).unwrap().items {
                if let Item::Function(entry) = item
                    && entry.entry
                {
                    let name = entry.name.name.to_string();
                    assert_eq!(implementation.source_of(&name), source);
                    let types = entry.params.iter().map(|param| param.ty).collect();
                    assert_eq!(entries.insert(name, types), None, "two entries of one name");
                }
            }
        }
        let sizes = [16, 32, 64, 128].into_iter().flat_map(|head_dim| {
            [Dtype::F32, Dtype::F16, Dtype::Bf16]
                .map(|dtype| Case { dtype: Some(dtype), ..case(96, 6, head_dim, "48,96", "1,5") })
        });
        let plans: Vec<_> = sizes.filter_map(|case| implementation.plan(&case).ok()).collect();
        assert!(plans.len() >= 3, "{}: {} plans", implementation.name(), plans.len());
        for plan in plans {
            for launch in &plan.launches {
                let given: Vec<Type> = launch
                    .args
                    .iter()
                    .map(|argument| match argument {
                        Argument::Buffer(_) | Argument::U64(_) => Type::U64,
                        Argument::U32(_) => Type::U32,
                        Argument::S32(_) => Type::S32,
                        Argument::F32(_) => Type::F32,
                        other => panic!("{other:?} is no argument of these kernels"),
                    })
                    .collect();
                assert_eq!(entries.get(&launch.entry), Some(&given), "{}", launch.entry);
            }
        }
    }
}

#[test]
fn overrides_replace_axes_and_leave_no_case_twice() {
    let library = Library::built_in();
    let benchmark = library.benchmark_type("all-implementations").unwrap();
    assert_eq!(benchmark.implementations, Selection::All);
    let overrides = Overrides { seq_len: vec![512], head_dim: vec![64], ..Overrides::default() };
    let cases = benchmark.cases(Profile::Quick, &overrides);
    assert!(cases.iter().all(|case| case.seq_len == Some(512) && case.head_dim == Some(64)));
    let mut configs: Vec<_> = cases.iter().map(pipe_model::Case::config).collect();
    configs.dedup();
    assert_eq!(configs.len(), cases.len());
    assert_eq!(cases[0].dtype, Some(Dtype::F32));
}

#[test]
fn a_sequence_that_segments_do_not_divide_is_unsupported() {
    let library = Library::built_in();
    let case = case(50, 2, 32, "12,24", "1,2");
    let reason = library.implementation("dilated").unwrap().plan(&case).unwrap_err();
    insta::assert_snapshot!(reason, @"seq_len 50 is not a multiple of segment length 12");
    // Full attention has no segments.
    assert!(library.implementation("attention").unwrap().plan(&case).is_ok());
}
