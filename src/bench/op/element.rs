//! Numbers of any element type as they lie in device memory.

use half::{bf16, f16};
use pipe_kernels::Element;

use super::error_bound;

/// The largest relative error of a right result: [`error_bound`]'s for the floating-point types that ops have, an order of
/// sums in `f64`; integers are exact.
pub(super) fn bound(element: Element) -> f64 {
    use pipe_model::Dtype;
    match element {
        Element::F64 => 1e-12,
        Element::F32 => error_bound(Dtype::F32),
        Element::F16 => error_bound(Dtype::F16),
        Element::Bf16 => error_bound(Dtype::Bf16),
        _ => 0.0,
    }
}

/// Little-endian and packed; a number that an integer type cannot hold is clamped, a fraction cut off.
pub(super) fn encode(element: Element, values: impl Iterator<Item = f64>) -> Vec<u8> {
    match element {
        Element::U8 => values.flat_map(|v| (v as u8).to_le_bytes()).collect(),
        Element::S8 => values.flat_map(|v| (v as i8).to_le_bytes()).collect(),
        Element::U16 => values.flat_map(|v| (v as u16).to_le_bytes()).collect(),
        Element::S16 => values.flat_map(|v| (v as i16).to_le_bytes()).collect(),
        Element::U32 => values.flat_map(|v| (v as u32).to_le_bytes()).collect(),
        Element::S32 => values.flat_map(|v| (v as i32).to_le_bytes()).collect(),
        Element::U64 => values.flat_map(|v| (v as u64).to_le_bytes()).collect(),
        Element::S64 => values.flat_map(|v| (v as i64).to_le_bytes()).collect(),
        Element::F16 => values.flat_map(|v| f16::from_f64(v).to_le_bytes()).collect(),
        Element::Bf16 => values.flat_map(|v| bf16::from_f64(v).to_le_bytes()).collect(),
        Element::F32 => values.flat_map(|v| (v as f32).to_le_bytes()).collect(),
        Element::F64 => values.flat_map(f64::to_le_bytes).collect(),
    }
}

/// The inverse of [`encode`]; a trailing part of an element is ignored.
pub(super) fn decode(element: Element, bytes: &[u8]) -> Vec<f64> {
    fn map<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        bytes.as_chunks::<N>().0.iter().map(|bytes| value(*bytes)).collect()
    }
    match element {
        Element::U8 => map(bytes, |b: [u8; 1]| u8::from_le_bytes(b).into()),
        Element::S8 => map(bytes, |b| i8::from_le_bytes(b).into()),
        Element::U16 => map(bytes, |b| u16::from_le_bytes(b).into()),
        Element::S16 => map(bytes, |b| i16::from_le_bytes(b).into()),
        Element::U32 => map(bytes, |b| u32::from_le_bytes(b).into()),
        Element::S32 => map(bytes, |b| i32::from_le_bytes(b).into()),
        Element::U64 => map(bytes, |b| u64::from_le_bytes(b) as f64),
        Element::S64 => map(bytes, |b| i64::from_le_bytes(b) as f64),
        Element::F16 => map(bytes, |b| f16::from_le_bytes(b).into()),
        Element::Bf16 => map(bytes, |b| bf16::from_le_bytes(b).into()),
        Element::F32 => map(bytes, |b| f32::from_le_bytes(b).into()),
        Element::F64 => map(bytes, f64::from_le_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_the_way_to_the_device_and_back() {
        for element in Element::ALL {
            let values = [0.0, 1.0, 100.0];
            let bytes = encode(*element, values.into_iter());
            assert_eq!(bytes.len() as u64, 3 * element.size(), "{element}");
            assert_eq!(decode(*element, &bytes), values, "{element}");
        }
        assert_eq!(decode(Element::S16, &encode(Element::S16, [-7.0].into_iter())), [-7.0]);
    }
}
