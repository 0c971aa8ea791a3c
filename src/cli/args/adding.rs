//! The grammar of `pipe kernels add`.

use std::path::PathBuf;

use clap::Args;
use pipe_kernels::{Element, Op, TensorRole, adopt::TensorAnswer};
use pipe_model::Dtype;

use super::{key_value, positive};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pipe kernels add saxpy.ptx                                   on a terminal: asks for what the PTX does not tell
  pipe kernels add saxpy.ptx --size n=65536,1048576 --grid 'ceil_div(n, 256)' --block 256 \\
      --arg p0=y --arg p1=x --arg p2=2.5 --arg p3=n --tensor x=n --tensor y=n --check-against expected.npy
  pipe kernels add fast.ptx --check-against simple ...         held against what the implementation `simple` gives
  pipe kernels add mine.ptx --check-against attention --dtype f32 --head-dim 64 --grid seq_len num_heads --block 64
                                                               computes what `attention` does: held against the op's reference

The file is copied to kernels-ptx/NAME/kernel.ptx as it is, with a manifest beside it, and for an op of its own a benchmark
type NAME: `pipe bench NAME` measures it. Read from the PTX: entries, parameters, which of them are pointers, what is
read and written through those, .maxntid and .reqntid. Sizes are expressions over the names that --size gives; `pN` is the
parameter that a compiler calls `<entry>_param_N`.")]
pub(crate) struct AddArgs {
    /// PTX file, hand-written or a compiler's
    #[arg(value_name = "FILE.ptx")]
    pub(crate) file: PathBuf,
    /// Name of the implementation [default: the file's]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Which entry is launched, where there are several
    #[arg(long, value_name = "ENTRY")]
    pub(crate) entry: Option<String>,
    /// A name for a size of the problem, and the values to measure
    #[arg(long, value_name = "NAME=N[,N]", value_parser = size)]
    pub(crate) size: Vec<(String, Vec<u64>)>,
    /// Blocks of the grid along x, y and z, as expressions
    #[arg(long, value_name = "EXPRESSION", num_args = 1..=3)]
    pub(crate) grid: Vec<String>,
    /// Threads of a block along x, y and z, as expressions [default: what .reqntid says]
    #[arg(long, value_name = "EXPRESSION", num_args = 1..=3)]
    pub(crate) block: Vec<String>,
    /// Dynamic shared memory of a block in bytes, as an expression
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) shared_bytes: Option<String>,
    /// What is passed for a parameter: the name of a tensor, or an expression
    #[arg(long, value_name = "PARAM=VALUE", value_parser = key_value)]
    pub(crate) arg: Vec<(String, String)>,
    /// How many elements a tensor has, and in any order what the PTX does not tell: its type, its role (input, output, inout)
    /// and its content (uniform, zero, one, index or a .npy file)
    #[arg(long, value_name = "NAME=ELEMENTS[:TYPE][:ROLE][:CONTENT]", value_parser = tensor)]
    pub(crate) tensor: Vec<(String, TensorAnswer)>,
    /// What its outputs are held against: an implementation, or for each output a .npy or Parquet file of what is right
    #[arg(long, value_name = "IMPLEMENTATION|[TENSOR=]FILE")]
    pub(crate) check_against: Vec<String>,
    /// The largest relative error of a right output [default: by its type]
    #[arg(long, value_name = "BOUND")]
    pub(crate) bound: Option<f64>,
    /// The op it computes, instead of one of its own
    #[arg(long, value_name = "OP")]
    pub(crate) op: Option<OpChoice>,
    /// Element types it is for, with an op of pipe's [f32, f16, bf16]
    #[arg(long, value_name = "TYPE", value_delimiter = ',')]
    pub(crate) dtype: Vec<Dtype>,
    /// Head dimensions it is for, likewise
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = positive)]
    pub(crate) head_dim: Vec<u64>,
    /// Print what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `--op`
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpChoice(pub(crate) Op);

impl std::str::FromStr for OpChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

/// `n=1024,65536`
pub(crate) fn size(text: &str) -> Result<(String, Vec<u64>), String> {
    let expected = || "expected NAME=N or NAME=N,N with whole numbers from 1".to_owned();
    let (name, values) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(expected)?;
    let values = values.split(',').map(|value| positive(value.trim()).map_err(|_| expected()));
    Ok((name.to_owned(), values.collect::<Result<_, _>>()?))
}

/// `x=n:f32:input:zero`
pub(crate) fn tensor(text: &str) -> Result<(String, TensorAnswer), String> {
    let (name, rest) = key_value(text).map_err(|_| "expected NAME=ELEMENTS".to_owned())?;
    let mut words = rest.split(':').map(str::trim);
    let elements = words.next().filter(|elements| !elements.is_empty()).map(str::to_owned);
    let mut answer = TensorAnswer { elements, ..TensorAnswer::default() };
    for word in words {
        match word {
            "input" => answer.role = Some(TensorRole::Input),
            "output" => answer.role = Some(TensorRole::Output),
            "inout" => answer.role = Some(TensorRole::Inout),
            "uniform" | "zero" | "one" | "index" => answer.content = Some(word.to_owned()),
            file if file.ends_with(".npy") => answer.content = Some(file.to_owned()),
            other => match other.parse::<Element>() {
                Ok(element) => answer.element = Some(element),
                Err(_) => {
                    return Err(format!(
                        "'{other}' is no element type, role (input, output, inout) or content (uniform, zero, one, index, FILE.npy)"
                    ));
                }
            },
        }
    }
    Ok((name, answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_say_what_is_known_in_any_order() {
        let (name, answer) = tensor("x=n * 2:zero:inout:f16").unwrap();
        let expected = TensorAnswer {
            elements: Some("n * 2".to_owned()),
            element: Some(Element::F16),
            role: Some(TensorRole::Inout),
            content: Some("zero".to_owned()),
        };
        assert_eq!((name.as_str(), answer), ("x", expected));
        assert!(tensor("x=n:f31").unwrap_err().starts_with("'f31' is no element type"));
        assert!(tensor("=n").is_err());
    }

    #[test]
    fn sizes_have_a_name_and_values() {
        assert_eq!(size("n=10, 20"), Ok(("n".to_owned(), vec![10, 20])));
        assert!(size("n").is_err() && size("n=0").is_err() && size("=3").is_err());
    }
}
