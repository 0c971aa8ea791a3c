//! `pipe kernels add`: a compiler's PTX becomes an implementation, is checked against a file or another implementation, and
//! is measured like any other.

use std::fs;

use pipe_bench::op::npy;

use crate::repository::{Repository, stderr, stdout};

/// What NVRTC made of `y[i] = a * x[i] + y[i]`, a template.
const AXPY: &str = include_str!("axpy.ptx");

/// The same by hand, a thread for two elements, so that it is another kernel.
const BY_HAND: &str = r"
.version 7.0
.target sm_70
.address_size 64
.visible .entry axpy(.param .u64 y, .param .u64 x, .param .f32 a, .param .u32 n)
{
    .reg .pred %p<3>; .reg .f32 %f<5>; .reg .b32 %r<8>; .reg .b64 %rd<9>;
    ld.param.u64 %rd1, [y]; ld.param.u64 %rd2, [x]; ld.param.f32 %f1, [a]; ld.param.u32 %r1, [n];
    cvta.to.global.u64 %rd3, %rd1; cvta.to.global.u64 %rd4, %rd2;
    mov.u32 %r2, %ctaid.x; mov.u32 %r3, %tid.x;
    mad.lo.u32 %r4, %r2, 256, %r3;
    mov.u32 %r5, 0;
next:
    setp.ge.u32 %p1, %r4, %r1;
    @%p1 bra done;
    mul.wide.u32 %rd5, %r4, 4;
    add.s64 %rd6, %rd3, %rd5; add.s64 %rd7, %rd4, %rd5;
    ld.global.f32 %f2, [%rd7]; ld.global.f32 %f3, [%rd6];
    fma.rn.f32 %f4, %f1, %f2, %f3;
    st.global.f32 [%rd6], %f4;
    add.u32 %r4, %r4, 128; add.u32 %r5, %r5, 1;
    setp.lt.u32 %p2, %r5, 2;
    @%p2 bra next;
done:
    ret;
}
";

/// Everything that the compiler's text does not tell, what is right aside.
const ANSWERS: [&str; 18] = [
    "--size",
    "n=1000,5000",
    "--grid",
    "ceil_div(n, 256)",
    "--block",
    "256",
    "--arg",
    "p0=y",
    "--arg",
    "p1=x",
    "--arg",
    "p2=2.5",
    "--arg",
    "p3=n",
    "--tensor",
    "x=n:index",
    "--tensor",
    "y=n:one",
];

fn add(repository: &Repository, file: &str, more: &[&str]) -> assert_cmd::assert::Assert {
    repository.pipe(&[&["kernels", "add", file], ANSWERS.as_slice(), more].concat())
}

#[test]
fn what_the_ptx_does_not_tell_is_asked_for_at_once() {
    let repository = Repository::new();
    repository.write("build/axpy.ptx", AXPY);
    let assert = repository.pipe(&["kernels", "add", "build/axpy.ptx"]).code(2);
    insta::assert_snapshot!(stderr(&assert), @r"
    error: axpy.ptx does not tell everything; give
      --size n=65536                         a name for the problem's size, and values to measure
      --tensor p0=n                          of what p0 points to: how many elements it has
      --tensor p1=n                          of what p1 points to: how many elements it has
      --arg p2=1.0                           the value of p2 (f32)
      --arg p3=n                             the value of p3 (u32)
      --block 256                            threads of a block, 256 x 1 x 1 at most
      --grid 'ceil_div(n, 256)'              blocks of the grid
      --check-against expected.npy           what the outputs are held against: an implementation, or a .npy or Parquet file of what is right
    hint: on a terminal, `pipe kernels add` asks for each
    ");
    assert!(!repository.path().join("kernels-ptx/axpy").exists());
}

#[test]
fn a_compilers_kernel_is_checked_against_a_file_and_measured() {
    let repository = Repository::new();
    repository.write("build/axpy.ptx", AXPY);
    let right: Vec<f64> = (0..1000).map(|i| 2.5 * f64::from(i) + 1.0).collect();
    fs::write(repository.path().join("right.npy"), npy::write(&right)).unwrap();
    let assert = add(&repository, "build/axpy.ptx", &["--check-against", "right.npy"]).success();
    insta::assert_snapshot!(stderr(&assert), @r"
    added kernels-ptx/axpy
    hint: `pipe kernels check axpy` looks for faults, `pipe bench axpy` checks and times it
    ");
    let read = |file: &str| fs::read_to_string(repository.path().join("kernels-ptx").join(file)).unwrap();
    assert_eq!(read("axpy/kernel.ptx"), AXPY, "the PTX is as it was");
    insta::assert_snapshot!(read("axpy/kernel.toml"), @r#"
    op = "custom"
    summary = "`_Z4axpyIfEvPT_PKS0_S0_i` of axpy.ptx"
    parameters = { n = 1000 }

    [[tensor]]
    name = "y"
    role = "inout"
    element = "f32"
    elements = "n"
    content = "one"
    expected = "right.npy"

    [[tensor]]
    name = "x"
    role = "input"
    element = "f32"
    elements = "n"
    content = "index"

    [[launch]]
    entry = "_Z4axpyIfEvPT_PKS0_S0_i"
    grid = ["ceil_div(n, 256)", 1, 1]
    block = [256, 1, 1]
    args = [
        "y",
        "x",
        { f32 = "2.5" },
        { u32 = "n" },
    ]
    "#);
    insta::assert_snapshot!(read("types/axpy.toml"), @r#"
    description = "`_Z4axpyIfEvPT_PKS0_S0_i` of axpy.ptx"
    implementations = ["axpy"]

    [[quick]]
    parameters = { n = [1000] }

    [[standard]]
    parameters = { n = [1000, 5000] }

    [[full]]
    parameters = { n = [1000, 5000] }
    "#);

    repository.pipe(&["bench", "axpy", "--device", "embedded"]).success();
    let sql = "select config, metric, samples[1] as value, status from measurements \
               where metric in ('relative_error', 'flops_f32', 'global_load_bytes') order by metric";
    let assert = repository.pipe(&["query", sql, "--format", "csv"]).success();
    insta::assert_snapshot!(stdout(&assert), @r"
    config,metric,value,status
    n=1000,flops_f32,2000.0,ok
    n=1000,global_load_bytes,8000.0,ok
    n=1000,relative_error,0.0,ok
    ");
    // The larger size has no expected output, and says so.
    let assert =
        repository.pipe(&["bench", "axpy", "--device", "embedded", "--profile", "standard"]).code(12);
    assert!(
        stdout(&assert).contains("y: 1000 elements are expected, the case has 5000"),
        "{}",
        stdout(&assert)
    );
    let assert = repository.pipe(&["kernels", "check", "axpy"]).success();
    insta::assert_snapshot!(stdout(&assert), @"axpy  ok, 1 entries, 1 cases");
    // A second time the name is taken.
    let assert = add(&repository, "build/axpy.ptx", &["--check-against", "right.npy"]).code(2);
    assert!(stderr(&assert).contains("choose another --name"), "{}", stderr(&assert));
}

#[test]
fn a_wrong_kernel_is_no_fast_one() {
    let repository = Repository::new();
    repository.write("axpy.ptx", AXPY);
    fs::write(repository.path().join("wrong.npy"), npy::write(&[1.0; 1000])).unwrap();
    add(&repository, "axpy.ptx", &["--check-against", "y=wrong.npy"]).success();
    let assert = repository.pipe(&["bench", "axpy", "--device", "embedded"]).code(12);
    assert!(stdout(&assert).contains("worst at y[999]: 2.4985e3 instead of 1e0"), "{}", stdout(&assert));
}

#[test]
fn two_kernels_can_vouch_for_each_other() {
    let repository = Repository::new();
    repository.write("axpy.ptx", AXPY);
    repository.write("by-hand.ptx", BY_HAND);
    let right: Vec<f64> = (0..1000).map(|i| 2.5 * f64::from(i) + 1.0).collect();
    fs::write(repository.path().join("right.npy"), npy::write(&right)).unwrap();
    add(&repository, "axpy.ptx", &["--check-against", "right.npy"]).success();
    // Its parameters have names, and one is a size; the block is 128 wide.
    let own = [
        "kernels",
        "add",
        "by-hand.ptx",
        "--size",
        "n=1000,5000",
        "--grid",
        "ceil_div(n, 256)",
        "--block",
        "128",
        "--arg",
        "a=2.5",
        "--tensor",
        "x=n:index",
        "--tensor",
        "y=n:one",
        "--check-against",
        "axpy",
    ];
    repository.pipe(&own).success();
    let assert =
        repository.pipe(&["bench", "by-hand", "--device", "embedded", "--profile", "standard"]).code(12);
    // The file of the reference is for its first size; what the reference gives is there for all.
    let table = stdout(&assert);
    let rows: Vec<&str> = table.lines().filter(|line| line.contains("by-hand")).collect();
    assert!(rows.len() >= 2 && rows.iter().all(|row| !row.contains("expected")), "{table}");
}

#[test]
fn an_answer_about_nothing_is_refused() {
    let repository = Repository::new();
    repository.write("axpy.ptx", AXPY);
    let assert = add(&repository, "axpy.ptx", &["--arg", "p9=1"]).code(2);
    assert!(
        stderr(&assert).contains("there is no parameter 'p9', there are p0, p1, p2, p3"),
        "{}",
        stderr(&assert)
    );
    let assert = add(&repository, "axpy.ptx", &["--check-against", "atention"]).code(2);
    assert!(stderr(&assert).contains("did you mean 'attention'?"), "{}", stderr(&assert));
    repository.write("broken.ptx", ".version 7.0\n.target sm_70\n.visible .entry e() { mov.u32 %r1, 0; }\n");
    let assert = repository.pipe(&["kernels", "add", "broken.ptx"]).code(2);
    assert!(stderr(&assert).contains("broken.ptx:3"), "{}", stderr(&assert));
}
