//! What `printf` makes of a format and its arguments: C's conversions `d i u o x X c s p f F e E g G` with flags, width and
//! precision. A conversion that is not known stands for itself.

/// Where the arguments of a conversion come from.
pub(super) trait Arguments {
    /// The next argument, of 4 or 8 bytes.
    fn next(&mut self, bytes: u32) -> u64;
    /// The text at an address.
    fn text(&self, address: u64) -> Vec<u8>;
}

/// A conversion's flags, width and precision.
#[derive(Debug, Default, Clone, Copy)]
struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

/// Widths and precisions beyond this are cut: no output grows without bounds.
const MOST: usize = 1024;

/// The text that a format gives, and how many arguments it took.
pub(super) fn format(format: &[u8], arguments: &mut impl Arguments) -> (Vec<u8>, u32) {
    let mut out = Vec::with_capacity(format.len());
    let mut taken = 0;
    let mut rest = format;
    while let [first, after @ ..] = rest {
        if *first != b'%' {
            out.push(*first);
            rest = after;
            continue;
        }
        if let [b'%', after @ ..] = after {
            out.push(b'%');
            rest = after;
            continue;
        }
        let mut at = 0;
        let mut number = |at: &mut usize, arguments: &mut dyn FnMut() -> i32| {
            if after.get(*at) == Some(&b'*') {
                *at += 1;
                taken += 1;
                return arguments();
            }
            let mut value = 0usize;
            while let Some(digit) = after.get(*at).filter(|c| c.is_ascii_digit()) {
                value = (10 * value + usize::from(digit - b'0')).min(MOST);
                *at += 1;
            }
            value as i32
        };
        let mut spec = Spec::default();
        while let Some(flag) = after.get(at) {
            match flag {
                b'-' => spec.left = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                b'#' => spec.alternate = true,
                b'0' => spec.zero = true,
                _ => break,
            }
            at += 1;
        }
        let width = number(&mut at, &mut || arguments.next(4) as i32);
        spec.left |= width < 0;
        spec.width = (width.unsigned_abs() as usize).min(MOST);
        if after.get(at) == Some(&b'.') {
            at += 1;
            let precision = number(&mut at, &mut || arguments.next(4) as i32);
            spec.precision = usize::try_from(precision).ok().map(|precision| precision.min(MOST));
        }
        let mut bytes = 4;
        while let Some(size) = after.get(at).filter(|c| b"hlLqjzt".contains(c)) {
            bytes = if *size == b'h' { bytes } else { 8 };
            at += 1;
        }
        let Some(conversion) = after.get(at).copied().filter(|c| b"diuoxXcspfFeEgG".contains(c)) else {
            out.push(b'%');
            rest = after;
            continue;
        };
        taken += 1;
        out.extend(convert(conversion, bytes, spec, arguments));
        rest = &after[at + 1..];
    }
    (out, taken)
}

fn convert(conversion: u8, bytes: u32, spec: Spec, arguments: &mut impl Arguments) -> Vec<u8> {
    match conversion {
        b'd' | b'i' => {
            let bits = arguments.next(bytes);
            let value = if bytes == 4 { i64::from(bits as i32) } else { bits as i64 };
            integer(value < 0, value.unsigned_abs().to_string(), "", spec)
        }
        b'u' | b'o' | b'x' | b'X' => {
            let value = arguments.next(bytes);
            let (digits, prefix) = match conversion {
                b'o' => (format!("{value:o}"), "0"),
                b'x' => (format!("{value:x}"), "0x"),
                b'X' => (format!("{value:X}"), "0X"),
                _ => (value.to_string(), ""),
            };
            let signless = Spec { plus: false, space: false, ..spec };
            integer(false, digits, if spec.alternate && value != 0 { prefix } else { "" }, signless)
        }
        b'c' => padded(vec![arguments.next(4) as u8], Spec { zero: false, ..spec }),
        b's' => {
            let address = arguments.next(8);
            let mut text = if address == 0 { b"(null)".to_vec() } else { arguments.text(address) };
            text.truncate(spec.precision.unwrap_or(usize::MAX));
            padded(text, Spec { zero: false, ..spec })
        }
        b'p' => padded(format!("{:#x}", arguments.next(8)).into_bytes(), Spec { zero: false, ..spec }),
        _ => {
            let value = f64::from_bits(arguments.next(8));
            let text = float(value.abs(), conversion.to_ascii_lowercase(), spec);
            let spec = Spec { zero: spec.zero && value.is_finite(), ..spec };
            let text = [sign(value.is_sign_negative(), spec), &text].concat();
            let text = if conversion.is_ascii_uppercase() { text.to_ascii_uppercase() } else { text };
            padded(text.into_bytes(), spec)
        }
    }
}

fn sign(negative: bool, spec: Spec) -> &'static str {
    match negative {
        true => "-",
        false if spec.plus => "+",
        false if spec.space => " ",
        false => "",
    }
}

/// Digits with sign and prefix; a precision is the least number of digits, and 0 at precision 0 has none.
fn integer(negative: bool, digits: String, prefix: &str, spec: Spec) -> Vec<u8> {
    let least = spec.precision.unwrap_or(1);
    let digits = if digits == "0" && least == 0 { String::new() } else { digits };
    let zeros = "0".repeat(least.saturating_sub(digits.len()));
    let text = [sign(negative, spec), prefix, &zeros, &digits].concat();
    padded(text.into_bytes(), Spec { zero: spec.zero && spec.precision.is_none(), ..spec })
}

/// Fills up to the width: with blanks, or with zeros after sign and prefix.
fn padded(text: Vec<u8>, spec: Spec) -> Vec<u8> {
    let fill = spec.width.saturating_sub(text.len());
    if spec.left {
        return [text, vec![b' '; fill]].concat();
    }
    if !spec.zero {
        return [vec![b' '; fill], text].concat();
    }
    let signs = text.iter().take_while(|c| b"+- ".contains(c)).count();
    let prefix = if text[signs..].starts_with(b"0x") || text[signs..].starts_with(b"0X") { 2 } else { 0 };
    let (before, digits) = text.split_at(signs + prefix);
    [before, &vec![b'0'; fill], digits].concat()
}

/// A value that is not negative, in the form `f`, `e` or `g`.
fn float(value: f64, form: u8, spec: Spec) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return "inf".to_owned();
    }
    let precision = spec.precision.unwrap_or(6);
    let point = if spec.alternate && precision == 0 { "." } else { "" };
    match form {
        b'f' => format!("{value:.precision$}{point}"),
        b'e' => {
            let (digits, exponent) = scientific(value, precision);
            format!("{digits}{point}{}", power(exponent))
        }
        _ => {
            let precision = precision.max(1);
            let (digits, exponent) = scientific(value, precision - 1);
            let trimmed = |text: &str| match text.contains('.') && !spec.alternate {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text.to_owned(),
            };
            if exponent < -4 || exponent >= precision as i32 {
                return trimmed(&digits) + &power(exponent);
            }
            let decimals = (precision as i32 - 1 - exponent) as usize;
            trimmed(&format!("{value:.decimals$}"))
        }
    }
}

/// Digits with so many after the point, and the power of ten.
fn scientific(value: f64, precision: usize) -> (String, i32) {
    let text = format!("{value:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (digits.to_owned(), exponent.parse().unwrap_or(0))
}

/// An exponent as C writes it: with its sign, and two digits at least.
fn power(exponent: i32) -> String {
    format!("e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct List(Vec<u64>);

    impl Arguments for List {
        fn next(&mut self, bytes: u32) -> u64 {
            let value = self.0.remove(0);
            if bytes == 4 { u64::from(value as u32) } else { value }
        }

        fn text(&self, _: u64) -> Vec<u8> {
            b"text".to_vec()
        }
    }

    fn shown(text: &str, arguments: &[u64]) -> String {
        let (out, taken) = format(text.as_bytes(), &mut List(arguments.to_vec()));
        assert_eq!(taken as usize, arguments.len(), "{text}");
        String::from_utf8(out).unwrap()
    }

    /// What glibc's `printf` gives for the same.
    #[test]
    fn conversions_are_those_of_c() {
        let minus = (-7i32) as u32 as u64;
        for (text, argument, expected) in [
            ("<%d>", minus, "<-7>"),
            ("<%i>", 1 << 33 | 5, "<5>"),
            ("<%ld>", 1 << 33, "<8589934592>"),
            ("<%lld>", u64::MAX, "<-1>"),
            ("<%u>", minus, "<4294967289>"),
            ("<%6d>", minus, "<    -7>"),
            ("<%-6d>", minus, "<-7    >"),
            ("<%06d>", minus, "<-00007>"),
            ("<%+d>", 7, "<+7>"),
            ("<% d>", 7, "< 7>"),
            ("<%.3d>", minus, "<-007>"),
            ("<%8.3d>", 7, "<     007>"),
            ("<%.0d>", 0, "<>"),
            ("<%x>", 255, "<ff>"),
            ("<%#X>", 255, "<0XFF>"),
            ("<%#08x>", 255, "<0x0000ff>"),
            ("<%zu>", 7, "<7>"),
            ("<%hhd>", 7, "<7>"),
            ("<%o>", 8, "<10>"),
            ("<%c>", 65, "<A>"),
            ("<%3c>", 65, "<  A>"),
            ("<%s>", 1, "<text>"),
            ("<%.2s>", 1, "<te>"),
            ("<%6s>", 1, "<  text>"),
            ("<%s>", 0, "<(null)>"),
            ("<%p>", 4096, "<0x1000>"),
        ] {
            assert_eq!(shown(text, &[argument]), expected, "{text}");
        }
        assert_eq!(shown("100%% %y <%*d> <%-*d>", &[4, 7, 4, 7]), "100% %y <   7> <7   >");
        assert_eq!(shown("%", &[]), "%");
    }

    #[test]
    fn floats_are_those_of_c() {
        for (text, value, expected) in [
            ("<%f>", 1.5, "<1.500000>"),
            ("<%.2f>", 2.675, "<2.67>"),
            ("<%.0f>", 2.5, "<2>"),
            ("<%8.3f>", -1.0, "<  -1.000>"),
            ("<%08.3f>", -1.0, "<-001.000>"),
            ("<%e>", 12345.678, "<1.234568e+04>"),
            ("<%.1E>", 1e-100, "<1.0E-100>"),
            ("<%g>", 0.0001, "<0.0001>"),
            ("<%g>", 0.00001, "<1e-05>"),
            ("<%g>", 1e6, "<1e+06>"),
            ("<%g>", 100000.0, "<100000>"),
            ("<%g>", 999999.9, "<1e+06>"),
            ("<%.3g>", 2.34567, "<2.35>"),
            ("<%g>", 0.0, "<0>"),
            ("<%f>", f64::INFINITY, "<inf>"),
            ("<%F>", f64::NEG_INFINITY, "<-INF>"),
            ("<%06f>", f64::NAN, "<   nan>"),
        ] {
            assert_eq!(shown(text, &[value.to_bits()]), expected, "{text}");
        }
    }
}
