//! Operations: the inputs of a case and the right answer in f64, against which every implementation of an op
//! is held.

pub mod dilated_attention;
mod error;
mod inputs;
mod multihead;

use half::{bf16, f16};
use pipe_kernels::{Op, PlanError};
use pipe_model::{Case, Dtype};

pub use self::error::{Mismatch, error_bound, relative_error};

/// The inputs of `case` under `op` and the right answer. The same case gives the same numbers on every
/// machine.
///
/// # Errors
/// The case leaves out a dimension or a parameter, or is outside what the op defines.
pub fn problem(op: Op, case: &Case) -> Result<Problem, PlanError> {
    match op {
        Op::Attention | Op::DilatedAttention => dilated_attention::problem(op, case),
        Op::MultiheadDilatedAttention => multihead::problem(case),
    }
}

/// What a case gives the kernel, and what must come back.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Element type of inputs and output.
    pub dtype: Dtype,
    /// The tensors that kernels read.
    pub inputs: Vec<Input>,
    /// The output in f64, computed from the inputs as `dtype` holds them.
    pub expected: Vec<f64>,
    /// Extent of each dimension of the output, outermost first.
    pub output_shape: Vec<usize>,
}

/// A tensor that kernels read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The name that manifests use: `q`, `k`, `v`.
    pub name: &'static str,
    /// The elements as they lie in device memory, see [`encode`].
    pub content: Vec<u8>,
}

impl Problem {
    /// The relative error of an output as it was read back from device memory.
    ///
    /// # Errors
    /// The error is over the bound of the element type, or an element is not finite.
    pub fn check(&self, output: &[u8]) -> Result<f64, Mismatch> {
        let output = decode(self.dtype, output);
        let error = relative_error(&output, &self.expected);
        let bound = error_bound(self.dtype);
        // A NaN is over any bound.
        if error <= bound {
            Ok(error)
        } else {
            Err(Mismatch::new(&output, &self.expected, &self.output_shape, error, bound))
        }
    }
}

/// Numbers as they lie in device memory: rounded to `dtype`, little-endian, packed.
pub fn encode(dtype: Dtype, values: &[f32]) -> Vec<u8> {
    match dtype {
        Dtype::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Dtype::F16 => values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect(),
        Dtype::Bf16 => values.iter().flat_map(|v| bf16::from_f32(*v).to_le_bytes()).collect(),
    }
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
pub fn decode(dtype: Dtype, bytes: &[u8]) -> Vec<f32> {
    match dtype {
        Dtype::F32 => bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Dtype::F16 => bytes.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
        Dtype::Bf16 => bytes.as_chunks::<2>().0.iter().map(|b| bf16::from_le_bytes(*b).to_f32()).collect(),
    }
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
            assert_eq!(decode(dtype, &bytes), values);
        }
    }
}
