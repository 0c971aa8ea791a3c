//! The library against real folders and real git repositories.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

mod adopt;
mod built_in;
mod layers;
mod plans;

use std::{fs, path::Path};

use pipe_model::{Case, Dtype};

/// A manifest of one plain launch.
pub(crate) const MANIFEST: &str = r#"
op = "dilated-attention"
summary = "a test"
dtypes = ["f32"]
head_dims = [32, 64]

[[launch]]
entry = "kernel_d{{ head_dim }}"
grid = ["ceil_div(seq_len, 64)", "num_heads", "batch_size"]
block = [128, 1, 1]
args = ["q", "k", "v", "out", { u32 = "seq_len" }]
"#;

pub(crate) const PTX: &str = "
.version 7.0
.target sm_75
.address_size 64
.visible .entry kernel_d32(.param .u64 q, .param .u64 k, .param .u64 v, .param .u64 out, .param .u32 n) { ret; }
.visible .entry kernel_d64(.param .u64 q, .param .u64 k, .param .u64 v, .param .u64 out, .param .u32 n) { ret; }
";

/// Writes `kernels-ptx/<path>` under `root`.
pub(crate) fn write(root: &Path, path: &str, content: impl AsRef<[u8]>) {
    let path = root.join("kernels-ptx").join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// A case of the op `dilated-attention`.
pub(crate) fn case(seq_len: u64, num_heads: u64, head_dim: u64, lengths: &str, rates: &str) -> Case {
    Case {
        batch_size: Some(2),
        seq_len: Some(seq_len),
        num_heads: Some(num_heads),
        head_dim: Some(head_dim),
        dtype: Some(Dtype::F32),
        parameters: [("segment_lengths", lengths), ("dilation_rates", rates), ("causal", "false")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    }
}
