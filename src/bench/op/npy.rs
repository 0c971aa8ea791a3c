//! NumPy's `.npy` files, as numbers: what users have at hand to say what a kernel reads and what is right.
//!
//! A file is the magic `\x93NUMPY`, a version, the length of a header, the header (a Python literal with `descr`,
//! `fortran_order` and `shape`), and the elements. Source: NumPy's `numpy.lib.format`.

use half::f16;

/// The elements of an array, and its extents, outermost first.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// In C order.
    pub values: Vec<f64>,
    /// Empty for a single number.
    pub shape: Vec<usize>,
}

/// Integers up to this, 2^53, are exact in f64.
const EXACT: u64 = 1 << 53;

/// Reads a file's content.
///
/// # Errors
/// What keeps it from being read and what to do about it: no `.npy` file, cut off, of a type that has no number, in Fortran
/// order, or an integer beyond 2^53.
pub fn read(bytes: &[u8]) -> Result<Array, String> {
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or("not a .npy file; write it with numpy.save")?;
    let (header, data) = match rest {
        [1, _, low, high, rest @ ..] => split(rest, usize::from(u16::from_le_bytes([*low, *high]))),
        [2 | 3, _, a, b, c, d, rest @ ..] => split(rest, u32::from_le_bytes([*a, *b, *c, *d]) as usize),
        [major, minor, ..] => return Err(format!("version {major}.{minor} of .npy is not known")),
        _ => None,
    }
    .ok_or("the file is cut off in its header; write it again")?;
    let header = String::from_utf8_lossy(header);
    let of = |key: &str| value(&header, key).ok_or_else(|| format!("the header has no '{key}': {header}"));
    if of("fortran_order")?.starts_with("True") {
        return Err("the array is in Fortran order; save numpy.ascontiguousarray(a)".to_owned());
    }
    let shape = of("shape")?;
    let shape = shape.strip_prefix('(').and_then(|shape| shape.split_once(')')).map(|(inside, _)| inside);
    let shape = shape.ok_or_else(|| format!("the header's shape cannot be read: {header}"))?;
    let extents = shape.split(',').map(str::trim).filter(|extent| !extent.is_empty());
    let extents: Vec<usize> = extents
        .map(|extent| extent.parse().map_err(|_| format!("the extent '{extent}' of the shape is no number")))
        .collect::<Result<_, _>>()?;
    let descr = of("descr")?;
    let descr = descr.trim_start_matches(['\'', '"']).split(['\'', '"']).next().unwrap_or_default();
    let values = elements(descr, data)?;
    let count = extents.iter().try_fold(1_usize, |product, extent| product.checked_mul(*extent));
    if count != Some(values.len()) {
        let whole = "the file is cut off or has more than its header says";
        return Err(format!("{whole}: {} elements for shape {extents:?}; write it again", values.len()));
    }
    Ok(Array { values, shape: extents })
}

/// A file of one row of f64, version 1.0.
pub fn write(values: &[f64]) -> Vec<u8> {
    let elements: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    file("<f8", &format!("({},)", values.len()), &elements)
}

fn file(descr: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // The elements begin at a multiple of 64.
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let length = u16::try_from(header.len()).unwrap_or(u16::MAX).to_le_bytes();
    [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), elements].concat()
}

fn split(bytes: &[u8], at: usize) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(at)
}

/// What follows `'key':` in a Python dictionary.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, after) = header.split_once(&format!("'{key}':"))?;
    Some(after.trim_start())
}

fn elements(descr: &str, data: &[u8]) -> Result<Vec<f64>, String> {
    /// Elements of `N` bytes.
    fn map<const N: usize>(data: &[u8], value: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        data.as_chunks::<N>().0.iter().map(|bytes| value(*bytes)).collect()
    }
    let values = match descr {
        "<f8" => map(data, f64::from_le_bytes),
        "<f4" => map(data, |bytes| f32::from_le_bytes(bytes).into()),
        "<f2" => map(data, |bytes| f16::from_le_bytes(bytes).into()),
        "|u1" => map(data, |[byte]| byte.into()),
        "|b1" => map(data, |[byte]| byte.into()),
        "|i1" => map(data, |bytes| i8::from_le_bytes(bytes).into()),
        "<u2" => map(data, |bytes| u16::from_le_bytes(bytes).into()),
        "<i2" => map(data, |bytes| i16::from_le_bytes(bytes).into()),
        "<u4" => map(data, |bytes| u32::from_le_bytes(bytes).into()),
        "<i4" => map(data, |bytes| i32::from_le_bytes(bytes).into()),
        "<u8" => map(data, |bytes| u64::from_le_bytes(bytes) as f64),
        "<i8" => map(data, |bytes| i64::from_le_bytes(bytes) as f64),
        other => {
            return Err(format!(
                "elements of type '{other}' are not read; save a.astype of float16, 32 or 64, or an integer type"
            ));
        }
    };
    let is_wide = matches!(descr, "<u8" | "<i8");
    if is_wide && values.iter().any(|value| value.abs() > EXACT as f64) {
        return Err("an integer is beyond 2^53, and would not be exact".to_owned());
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_numpy_writes() {
        // numpy.save of numpy.array([1.5]), byte for byte.
        let header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }";
        let bytes = write(&[1.5]);
        assert_eq!(bytes.len(), 128 + 8);
        assert_eq!(bytes[..10], *b"\x93NUMPY\x01\x00\x76\x00");
        assert_eq!(bytes[10..10 + header.len()], *header);
        assert!(bytes[10 + header.len()..127].iter().all(|byte| *byte == b' ') && bytes[127] == b'\n');
        assert_eq!(read(&bytes).unwrap(), Array { values: vec![1.5], shape: vec![1] });
    }

    #[test]
    fn arrays_of_every_kind_are_read() {
        let floats = [1.5f32, -2.0].map(f32::to_le_bytes).concat();
        let array = read(&file("<f4", "(2,)", &floats)).unwrap();
        assert_eq!(array, Array { values: vec![1.5, -2.0], shape: vec![2] });
        let array = read(&file("<i8", "(1, 2)", &[-3i64, 4].map(i64::to_le_bytes).concat())).unwrap();
        assert_eq!(array, Array { values: vec![-3.0, 4.0], shape: vec![1, 2] });
        assert_eq!(read(&file("|u1", "()", &[200])).unwrap(), Array { values: vec![200.0], shape: vec![] });
        assert_eq!(read(&file("<f2", "(0,)", &[])).unwrap().values, [0.0; 0]);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let of = |bytes: &[u8]| read(bytes).unwrap_err();
        assert_eq!(of(b"PAR1"), "not a .npy file; write it with numpy.save");
        assert_eq!(of(b"\x93NUMPY\x01\x00\xff\xff{}"), "the file is cut off in its header; write it again");
        assert!(of(&file("<f4", "(3,)", &[0; 8])).ends_with("2 elements for shape [3]; write it again"));
        assert!(of(&file("<c8", "(1,)", &[0; 8])).starts_with("elements of type '<c8' are not read"));
        assert!(of(&file("<u8", "(1,)", &[255; 8])).contains("2^53"));
        let fortran = String::from_utf8_lossy(&file("<f4", "(1,)", &[0; 4])).replace("False", "True ");
        assert!(read(fortran.as_bytes()).is_err());
    }
}
