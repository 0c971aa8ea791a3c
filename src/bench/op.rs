//! Operations: the inputs of a case and the right answer in f64, against which every implementation of an op
//! is held.

pub(crate) mod custom;
pub mod dilated_attention;
mod element;
mod error;
mod inputs;
mod multihead;
pub mod npy;
mod work;

use half::{bf16, f16};
use pipe_kernels::{Element, Op, PlanError};
use pipe_model::{Case, Dtype};

pub use self::{
    error::{Mismatch, error_bound, relative_error},
    work::flops,
};

/// The inputs of `case` under `op` and the right answer. The same case gives the same numbers on every
/// machine.
///
/// # Errors
/// The case leaves out a dimension or a parameter, or is outside what the op defines; op `custom` defines nothing.
pub fn problem(op: Op, case: &Case) -> Result<Problem, PlanError> {
    slice(op, case, 0)
}

/// The inputs and the right answer of slice `number` of a longer sequence, where `case` is one slice: the numbers of each
/// are others, weights aside.
///
/// # Errors
/// As [`problem`].
pub fn slice(op: Op, case: &Case, number: u64) -> Result<Problem, PlanError> {
    match op {
        Op::Attention | Op::DilatedAttention | Op::BlockSparseDilatedAttention => {
            dilated_attention::problem(op, case, number)
        }
        Op::MultiheadDilatedAttention | Op::BlockSparseMultiheadDilatedAttention => {
            multihead::problem(op, case, number)
        }
        Op::Custom => Err(PlanError::Unsupported("op custom is defined by each manifest".to_owned())),
    }
}

/// What a case gives the kernel, and what must come back.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The tensors that kernels read.
    pub inputs: Vec<Input>,
    /// The tensors that they write, in the order in which they are read back.
    pub outputs: Vec<Expected>,
}

/// A tensor that kernels read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The name that manifests use: `q`, `k`, `v`.
    pub name: String,
    /// The elements as they lie in device memory, see [`encode`].
    pub content: Vec<u8>,
}

/// A tensor that kernels write, as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// The name that manifests use: `out`.
    pub name: String,
    /// Element type.
    pub element: Element,
    /// The elements in f64, computed from the inputs as the element type holds them.
    pub values: Vec<f64>,
    /// Extent of each dimension, outermost first.
    pub shape: Vec<usize>,
    /// The largest relative error of a right result.
    pub bound: f64,
}

impl Problem {
    /// One whose only output is `out`, in the element type of the inputs.
    fn of(dtype: Dtype, inputs: Vec<(&str, Vec<f32>)>, expected: Vec<f64>, shape: Vec<usize>) -> Self {
        let input = |(name, values): (&str, Vec<f32>)| Input {
            name: name.to_owned(),
            content: encode(dtype, &values),
        };
        let out = Expected {
            name: "out".to_owned(),
            element: dtype.into(),
            values: expected,
            shape,
            bound: error_bound(dtype),
        };
        Self { inputs: inputs.into_iter().map(input).collect(), outputs: vec![out] }
    }

    /// The largest relative error of outputs as they were read back from device memory, one an element of
    /// [`Problem::outputs`].
    ///
    /// # Errors
    /// An output's error is over its bound, or an element is not finite.
    pub fn check(&self, outputs: &[Vec<u8>]) -> Result<f64, Mismatch> {
        self.outputs.iter().enumerate().try_fold(0.0, |largest, (index, expected)| {
            let output = outputs.get(index).map_or(&[][..], Vec::as_slice);
            Ok(f64::max(largest, expected.check(output)?))
        })
    }
}

impl Problem {
    /// As [`Problem::check`] for the beginning of the only output.
    pub(crate) fn check_beginning(&self, output: &[u8]) -> Result<f64, Mismatch> {
        let Some(whole) = self.outputs.first() else { return Ok(0.0) };
        let mut part = whole.clone();
        part.values.truncate(element::decode(part.element, output).len());
        part.check(output)
    }
}

impl Expected {
    fn check(&self, output: &[u8]) -> Result<f64, Mismatch> {
        let output = element::decode(self.element, output);
        let error = relative_error(&output, &self.values);
        // A NaN is over any bound.
        if error <= self.bound { Ok(error) } else { Err(Mismatch::new(&output, self, error)) }
    }
}

/// Numbers as they lie in device memory: rounded to `dtype`, little-endian, packed.
pub fn encode(dtype: Dtype, values: &[f32]) -> Vec<u8> {
    element::encode(dtype.into(), values.iter().copied().map(f64::from))
}

/// The nearest value that `dtype` can hold.
fn round_to(dtype: Dtype, value: f32) -> f32 {
    match dtype {
        Dtype::F32 => value,
        Dtype::F16 => f16::from_f32(value).to_f32(),
        Dtype::Bf16 => bf16::from_f32(value).to_f32(),
    }
}

/// Device memory read back as numbers; the inverse of [`encode`]. A trailing part of an element is ignored.
pub fn decode(dtype: Dtype, bytes: &[u8]) -> Vec<f64> {
    element::decode(dtype.into(), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_survive_the_way_to_the_device_and_back() {
        for dtype in [Dtype::F32, Dtype::F16, Dtype::Bf16] {
            let values = [0.1, -3.7, 1e-3].map(|v| round_to(dtype, v));
            let bytes = encode(dtype, &values);
            assert_eq!(bytes.len() as u64, 3 * dtype.size());
            assert_eq!(decode(dtype, &bytes), values.map(f64::from));
        }
    }
}
