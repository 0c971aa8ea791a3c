//! The cells of a batch as text for people, and which columns are numbers.

use arrow::{
    array::{Array as _, AsArray as _, RecordBatch},
    datatypes::{DataType, Float64Type, Schema},
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};

/// What NULL looks like.
pub(super) const NULL: &str = "NULL";

/// Significant digits of a fraction. What follows them is noise to a reader; the formats for machines have all.
const DIGITS: i32 = 6;

/// Every row of a batch as text. Times are RFC 3339; NULL is visible; fractions are rounded.
pub(super) fn rows(batch: &RecordBatch) -> Result<Vec<Vec<String>>, ArrowError> {
    let options = FormatOptions::new().with_null(NULL).with_display_error(false);
    let columns = batch
        .columns()
        .iter()
        .map(|column| {
            let floats = column.as_primitive_opt::<Float64Type>();
            Ok((floats, ArrayFormatter::try_new(column.as_ref(), &options)?))
        })
        .collect::<Result<Vec<_>, ArrowError>>()?;
    (0..batch.num_rows())
        .map(|row| {
            let cell =
                |(floats, whole): &(Option<&arrow::array::Float64Array>, ArrayFormatter<'_>)| match floats {
                    Some(floats) if floats.is_valid(row) => Ok(legible(floats.value(row))),
                    _ => whole.value(row).try_to_string(),
                };
            columns.iter().map(cell).collect()
        })
        .collect()
}

/// A number with no more of its fraction than a reader can use: digits before the point are all there.
fn legible(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() || (value.fract() == 0.0 && size < 1e15) {
        return format!("{value:?}");
    }
    if !(1e-4..1e15).contains(&size) {
        let text = format!("{value:.*e}", DIGITS as usize - 1);
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", digits.trim_end_matches('0').trim_end_matches('.'));
    }
    let decimals = (DIGITS - 1 - size.log10().floor() as i32).max(1);
    let text = format!("{value:.*}", decimals as usize);
    let trimmed = text.trim_end_matches('0');
    if trimmed.ends_with('.') { format!("{trimmed}0") } else { trimmed.to_owned() }
}

/// For each column, whether it holds numbers, which are set to the right.
pub(super) fn numeric(schema: &Schema) -> Vec<bool> {
    let is_number =
        |data_type: &DataType| data_type.is_numeric() || matches!(data_type, DataType::Duration(_));
    schema.fields().iter().map(|field| is_number(field.data_type())).collect()
}

#[cfg(test)]
mod tests {
    use super::legible;

    #[test]
    fn fractions_are_rounded_and_whole_numbers_are_not() {
        let cases = [
            (6_749_860.166_666_667, "6749860.2"),
            (16_793_600.0, "16793600.0"),
            (123_456_789_012.0, "123456789012.0"),
            (0.123_456_789, "0.123457"),
            (39.485, "39.485"),
            (99.999_999_9, "100.0"),
            (-1.5, "-1.5"),
            (0.0, "0.0"),
            (3.512_345_678e-7, "3.51235e-7"),
            (1e300, "1e300"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in cases {
            assert_eq!(legible(value), text);
        }
    }
}
