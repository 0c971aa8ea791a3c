//! Cases resolved to buffers and launches.

use std::path::Path;

use pipe_kernels::{Argument, Library, Plan, PlanError, Role};
use pipe_model::{Case, Dtype};

use crate::{MANIFEST, PTX, case, write};

const RICH: &str = r#"
op = "dilated-attention"
summary = "a test of every key"
dtypes = ["f32"]
head_dims = [32, 64]
parameters = { tile = 8 }

[[requires]]
for_each = "group"
expression = "seq_len % group.segment_length == 0"
message = "seq_len {{ seq_len }} is not a multiple of segment length {{ group.segment_length }}"

[[define]]
name = "blocks"
for_each = "group"
value = "group.num_heads * group.segments * ceil_div(group.kept, tile)"

[[define]]
name = "all_blocks"
value = "groups | sum(attribute='blocks')"

[[workspace]]
name = "scores"
bytes = "all_blocks * tile * 4"

[[table]]
name = "group_table"
for_each = "group"
row = [{ u32 = "groups[:group.index] | sum(attribute='blocks')" }, { u64 = "group.segment_length" }, { f32 = "1 / group.dilation_rate" }]

[[launch]]
entry = "kernel_d{{ head_dim }}"
for_each = "group"
grid = ["group.blocks", 1, 1]
block = ["tile", 1, 1]
shared_bytes = "tile * head_dim * element_bytes"
args = ["q", "scores", "group_table", { s32 = "0 - group.offset" }, { u32 = "causal" }]
"#;

fn plan(manifest: &str, case: &Case) -> Result<Plan, PlanError> {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "mine/kernel.toml", manifest);
    write(root.path(), "mine/kernel.ptx", PTX);
    let library = Library::built_in().overlay_folder(&root.path().join("kernels-ptx")).unwrap();
    library.implementation("mine").unwrap().plan(case)
}

fn message(manifest: &str, case: &Case) -> String {
    let error = plan(manifest, case).unwrap_err();
    let text = error.to_string();
    // Without the temporary folder.
    match &error {
        PlanError::Expression { error, .. } => {
            let name = Path::new(&error.file).file_name().unwrap().to_str().unwrap();
            text.replace(&error.file, name)
        }
        _ => text,
    }
}

fn rich_case(heads: u64, tile: &str) -> Case {
    let mut case = case(48, heads, 32, "12,48", "1,5");
    case.parameters.insert("tile".to_owned(), tile.to_owned());
    case
}

#[test]
fn buffers_tables_and_launches_are_resolved() {
    let plan = plan(RICH, &rich_case(3, "8")).unwrap();
    // Group 0: 2 heads, 4 segments, 12 kept; group 1: 1 head, 1 segment, ceil((48 - 1) / 5) = 10 kept.
    let tensor = 2 * 48 * 3 * 32 * 4;
    let sizes: Vec<_> = plan.buffers.iter().map(|buffer| (buffer.name.as_str(), buffer.bytes)).collect();
    let expected = [
        ("q", tensor),
        ("k", tensor),
        ("v", tensor),
        ("out", tensor),
        ("scores", 18 * 8 * 4),
        ("group_table", 48),
    ];
    assert_eq!(sizes, expected);
    assert_eq!(plan.bytes(), 4 * tensor + 18 * 8 * 4 + 48);

    let Role::Table(table) = &plan.buffers[5].role else { panic!("the table is one") };
    let row = |first: u32, length: u64, rate: f32| {
        [&first.to_le_bytes()[..], &[0; 4], &length.to_le_bytes(), &rate.to_le_bytes(), &[0; 4]].concat()
    };
    assert_eq!(*table, [row(0, 12, 1.0), row(16, 48, 0.2)].concat());

    assert_eq!(plan.launches.len(), 2);
    let second = &plan.launches[1];
    assert_eq!((second.entry.as_str(), second.grid, second.block), ("kernel_d32", [2, 1, 1], [8, 1, 1]));
    assert_eq!(second.shared_bytes, 8 * 32 * 4);
    let args =
        [Argument::Buffer(0), Argument::Buffer(4), Argument::Buffer(5), Argument::S32(-1), Argument::U32(0)];
    assert_eq!(second.args, args);
}

#[test]
fn a_parameter_that_the_case_does_not_give_is_what_the_manifest_says() {
    let given = plan(RICH, &rich_case(3, "8")).unwrap();
    let default = plan(RICH, &case(48, 3, 32, "12,48", "1,5")).unwrap();
    assert_eq!(given, default);
    assert_ne!(plan(RICH, &rich_case(3, "4")).unwrap(), default);
}

#[test]
fn a_launch_can_be_repeated_in_steps() {
    let ring = MANIFEST.replace("[[launch]]\n", "[[launch]]\nrepeat = \"1 + num_heads\"\n");
    let stepped = ring.replace("\"q\"", "{ u64 = \"step * 10\" }");
    let plan = plan(&stepped, &case(48, 2, 32, "48", "1")).unwrap();
    let first: Vec<_> = plan.launches.iter().map(|launch| launch.args[0]).collect();
    assert_eq!(first, [Argument::U64(0), Argument::U64(10), Argument::U64(20)]);
}

#[test]
fn a_launch_without_blocks_is_left_out() {
    // One head for two groups: the second has none.
    assert_eq!(plan(RICH, &rich_case(1, "8")).unwrap().launches.len(), 1);
}

#[test]
fn what_the_kernel_cannot_do_is_unsupported() {
    let unsupported = |case: &Case| match plan(RICH, case) {
        Err(PlanError::Unsupported(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let mut wrong = rich_case(3, "8");
    wrong.seq_len = Some(50);
    insta::assert_snapshot!(unsupported(&wrong), @"seq_len 50 is not a multiple of segment length 12");
    let wrong = Case { head_dim: Some(48), ..rich_case(3, "8") };
    insta::assert_snapshot!(unsupported(&wrong), @"head_dim 48 is not one of 32, 64");
    let wrong = Case { dtype: Some(Dtype::F16), ..rich_case(3, "8") };
    insta::assert_snapshot!(unsupported(&wrong), @"dtype f16 is not one of f32");
    let huge = Case { batch_size: Some(70_000), ..case(64, 1, 32, "64", "1") };
    insta::assert_snapshot!(message(MANIFEST, &huge), @"`kernel_d32` would need a grid of [1, 1, 70000] blocks, at most [2147483647, 65535, 65535] can be launched");
    let beyond = Case { batch_size: Some(1 << 60), ..rich_case(3, "8") };
    insta::assert_snapshot!(message(RICH, &beyond), @"tensor q of the case has more than 2^64 bytes");
}

#[test]
fn what_the_case_lacks_is_named() {
    insta::assert_snapshot!(message(MANIFEST, &Case::default()), @"dtype: the case does not give it");
    insta::assert_snapshot!(message(MANIFEST, &case(48, 3, 32, "12,24", "1")), @"dilation_rates: 1 rates for 2 segment lengths; give one for each");
    insta::assert_snapshot!(message(MANIFEST, &case(0, 3, 32, "12", "1")), @"seq_len: is 0; give at least 1");
}

#[test]
fn what_the_manifest_gets_wrong_for_a_case_has_a_place() {
    insta::assert_snapshot!(message(RICH, &rich_case(3, "0")), @"kernel.toml:16:45: `group.num_heads * group.segments * ceil_div(group.kept, tile)`: ceil_div takes n >= 0 and a divisor > 0, not 12 and 0 (implementation mine, batch_size=2 causal=false dilation_rates=1,5 dtype=f32 head_dim=32 num_heads=3 segment_lengths=12,48 seq_len=48 tile=0)");
    insta::assert_snapshot!(message(RICH, &rich_case(3, "many")), @"kernel.toml:16:45: `group.num_heads * group.segments * ceil_div(group.kept, tile)`: cannot convert string to i128 (implementation mine, batch_size=2 causal=false dilation_rates=1,5 dtype=f32 head_dim=32 num_heads=3 segment_lengths=12,48 seq_len=48 tile=many)");
    insta::assert_snapshot!(message(RICH, &rich_case(3, "2048")), @"kernel.toml:35:10: `tile` begins a block of [2048, 1, 1] threads; CUDA takes 1 to 1024 in all, [1024, 1024, 64] at most (implementation mine, batch_size=2 causal=false dilation_rates=1,5 dtype=f32 head_dim=32 num_heads=3 segment_lengths=12,48 seq_len=48 tile=2048)");
    insta::assert_snapshot!(message(&RICH.replace("{ u32 = \"causal\" }", "{ u32 = \"1 - seq_len\" }"), &rich_case(3, "8")), @"kernel.toml:37:77: `1 - seq_len` is -47, which u32 cannot hold (implementation mine, batch_size=2 causal=false dilation_rates=1,5 dtype=f32 head_dim=32 num_heads=3 segment_lengths=12,48 seq_len=48 tile=8)");
    insta::assert_snapshot!(message(&RICH.replace("\"all_blocks * tile * 4\"", "\"all_blocks / 5\""), &rich_case(3, "8")), @"kernel.toml:24:9: `all_blocks / 5` is 3.6, not an integer; divide with // (implementation mine, batch_size=2 causal=false dilation_rates=1,5 dtype=f32 head_dim=32 num_heads=3 segment_lengths=12,48 seq_len=48 tile=8)");
}
