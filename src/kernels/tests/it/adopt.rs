//! A PTX file that becomes an implementation: what is asked for, and what is written.

use std::collections::BTreeMap;

use pipe_kernels::{
    Op,
    adopt::{AdoptError, Answers, Check, Question, TensorAnswer, adopt},
};

const TWO: &str = r"
.version 7.0
.target sm_70
.address_size 64
.visible .entry scale(.param .u64 scale_param_0, .param .f64 scale_param_1, .param .u64 opaque)
.maxntid 128
{
    .reg .b64 %rd<4>; .reg .f64 %d<4>;
    ld.param.u64 %rd1, [scale_param_0]; ld.param.f64 %d1, [scale_param_1];
    ld.global.f64 %d2, [%rd1];
    mul.f64 %d3, %d2, %d1;
    st.global.f64 [%rd1], %d3;
    ret;
}
.visible .entry clear(.param .u64 out)
.reqntid 32
{
    .reg .b64 %rd<2>; .reg .b32 %r<2>;
    ld.param.u64 %rd1, [out];
    mov.u32 %r1, 0;
    st.global.u32 [%rd1], %r1;
    ret;
}
";

fn questions(answers: &Answers) -> Vec<(String, String)> {
    match adopt("two.ptx", TWO, answers, &BTreeMap::new()) {
        Err(AdoptError::Open(questions)) => {
            questions.into_iter().map(|Question { what, example, .. }| (what, example)).collect()
        }
        other => panic!("questions are open: {other:?}"),
    }
}

fn answers(entry: &str) -> Answers {
    Answers { name: "two".to_owned(), entry: Some(entry.to_owned()), ..Answers::default() }
}

#[test]
fn what_is_unknown_is_asked_with_an_example() {
    let none = Answers { name: "two".to_owned(), ..Answers::default() };
    assert_eq!(questions(&none), [("which entry is launched: scale, clear".to_owned(), "scale".to_owned())]);
    insta::assert_debug_snapshot!(questions(&answers("scale")), @r#"
    [
        (
            "a name for the problem's size, and values to measure",
            "n=65536",
        ),
        (
            "of what p0 points to: how many elements it has",
            "p0=n",
        ),
        (
            "the value of p1 (f64)",
            "p1=1.0",
        ),
        (
            "the value of opaque (u64)",
            "opaque=n",
        ),
        (
            "threads of a block, 128 x 1 x 1 at most",
            "128",
        ),
        (
            "blocks of the grid",
            "ceil_div(n, 128)",
        ),
        (
            "what the outputs are held against: an implementation, or a .npy or Parquet file of what is right",
            "expected.npy",
        ),
    ]
    "#);
    // The block is known, the grid is not.
    insta::assert_debug_snapshot!(questions(&answers("clear")), @r#"
    [
        (
            "a name for the problem's size, and values to measure",
            "n=65536",
        ),
        (
            "of what out points to: how many elements it has",
            "out=n",
        ),
        (
            "blocks of the grid",
            "ceil_div(n, 32)",
        ),
        (
            "what the outputs are held against: an implementation, or a .npy or Parquet file of what is right",
            "expected.npy",
        ),
    ]
    "#);
}

#[test]
fn an_op_of_its_own_declares_its_tensors() {
    let elements = TensorAnswer { elements: Some("n * 2".to_owned()), ..TensorAnswer::default() };
    let full = Answers {
        sizes: vec![("n".to_owned(), vec![64, 4096])],
        grid: vec!["ceil_div(n, 64)".to_owned()],
        block: vec!["128".to_owned()],
        args: [("p0", "data"), ("p1", "0.5"), ("opaque", "n")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .into(),
        tensors: [("data".to_owned(), elements)].into(),
        check: Check::Files([(String::new(), "right.npy".to_owned())].into()),
        bound: Some(1e-9),
        ..answers("scale")
    };
    let data = [("right.npy".to_owned(), vec![1])].into();
    let adopted = adopt("two.ptx", TWO, &full, &data).unwrap();
    insta::assert_snapshot!(adopted.manifest, @r#"
    op = "custom"
    summary = "`scale` of two.ptx"
    parameters = { n = 64 }

    [[tensor]]
    name = "data"
    role = "inout"
    element = "f64"
    elements = "n * 2"
    content = "uniform"
    expected = "right.npy"
    bound = 1e-9

    [[launch]]
    entry = "scale"
    grid = ["ceil_div(n, 64)", 1, 1]
    block = [128, 1, 1]
    args = [
        "data",
        { f64 = "0.5" },
        { u64 = "n" },
    ]
    "#);
    insta::assert_snapshot!(adopted.benchmark_type.unwrap(), @r#"
    description = "`scale` of two.ptx"
    implementations = ["two"]

    [[quick]]
    parameters = { n = [64] }

    [[standard]]
    parameters = { n = [64, 4096] }

    [[full]]
    parameters = { n = [64, 4096] }
    "#);
}

#[test]
fn a_file_without_a_name_is_for_one_output_alone() {
    let two = "
.version 7.0
.target sm_70
.address_size 64
.visible .entry both(.param .u64 a, .param .u64 b)
.reqntid 32
{
    .reg .b64 %rd<3>; .reg .b32 %r<2>;
    ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b];
    mov.u32 %r1, 0;
    st.global.u32 [%rd1], %r1; st.global.u32 [%rd2], %r1;
    ret;
}";
    let tensor = TensorAnswer { elements: Some("n".to_owned()), ..TensorAnswer::default() };
    let full = Answers {
        name: "both".to_owned(),
        sizes: vec![("n".to_owned(), vec![32])],
        grid: vec!["1".to_owned()],
        tensors: ["a", "b"].map(|name| (name.to_owned(), tensor.clone())).into(),
        check: Check::Files([(String::new(), "right.npy".to_owned())].into()),
        ..Answers::default()
    };
    match adopt("both.ptx", two, &full, &BTreeMap::new()) {
        Err(AdoptError::Open(questions)) => {
            let examples: Vec<_> = questions.iter().map(|question| question.example.as_str()).collect();
            assert_eq!(examples, ["a=expected.npy", "b=expected.npy"]);
        }
        other => panic!("which output the file is for is open: {other:?}"),
    }
}

#[test]
fn an_op_of_pipes_has_them_already() {
    let full = Answers {
        op: Some(Op::Attention),
        dtypes: vec!["f32".parse().unwrap()],
        head_dims: vec![64],
        grid: vec!["seq_len".to_owned(), "num_heads".to_owned()],
        ..answers("clear")
    };
    let adopted = adopt("two.ptx", TWO, &full, &BTreeMap::new()).unwrap();
    assert_eq!(adopted.benchmark_type, None);
    insta::assert_snapshot!(adopted.manifest, @r#"
    op = "attention"
    summary = "`clear` of two.ptx"
    dtypes = ["f32"]
    head_dims = [64]

    [[launch]]
    entry = "clear"
    grid = ["seq_len", "num_heads", 1]
    block = [32, 1, 1]
    args = [
        "out",
    ]
    "#);
}

#[test]
fn what_a_manifest_cannot_say_is_refused() {
    let error = adopt("two.ptx", TWO, &answers("sale"), &BTreeMap::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no entry 'sale' in it, there are scale, clear; did you mean 'scale'?"
    );
    let structure = TWO.replace(".param .u64 opaque", ".param .align 8 .b8 opaque[24]");
    let error = adopt("two.ptx", &structure, &answers("scale"), &BTreeMap::new()).unwrap_err();
    assert!(error.to_string().starts_with("parameter 'opaque' is a structure of 24 bytes"), "{error}");
    assert!(matches!(
        adopt("a", ".version 7.0\n.target sm_70\n", &answers("x"), &BTreeMap::new()),
        Err(AdoptError::NoEntry)
    ));
}
