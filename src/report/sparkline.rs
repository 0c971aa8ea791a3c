//! A list of numbers as a line of blocks.

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A spread below this part of the largest value is drawn flat, so that noise does not look like a cliff.
const FLAT: f64 = 0.02;

/// One block a number, the smallest lowest and the largest highest; a missing one leaves a gap.
pub fn draw(numbers: &[Option<f64>]) -> String {
    let known = || numbers.iter().flatten().copied().filter(|number| number.is_finite());
    let low = known().fold(f64::INFINITY, f64::min);
    let high = known().fold(f64::NEG_INFINITY, f64::max);
    let flat = high - low <= FLAT * high.abs().max(low.abs());
    let block = |number: f64| match flat {
        true => BLOCKS[3],
        false => {
            // In 0..=7, for a number between low and high.
            let level = ((number - low) / (high - low) * (BLOCKS.len() - 1) as f64).round();
            BLOCKS.get(level as usize).copied().unwrap_or(' ')
        }
    };
    numbers
        .iter()
        .map(|number| number.filter(|number| number.is_finite()).map_or(' ', block))
        .collect::<String>()
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(numbers: &[f64]) -> String {
        draw(&numbers.iter().copied().map(Some).collect::<Vec<_>>())
    }

    #[test]
    fn spans_the_range() {
        assert_eq!(line(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]), "▁▂▃▄▅▆▇█");
        assert_eq!(line(&[5.0, 1.0, 5.0]), "█▁█");
    }

    #[test]
    fn noise_is_flat() {
        assert_eq!(line(&[100.0, 101.0, 100.5]), "▄▄▄");
        assert_eq!(line(&[3.0]), "▄");
        assert_eq!(line(&[0.0, 0.0]), "▄▄");
        assert_eq!(line(&[]), "");
    }

    #[test]
    fn a_gap_stays_a_gap() {
        assert_eq!(draw(&[Some(1.0), None, Some(2.0)]), "▁ █");
        assert_eq!(draw(&[Some(1.0), Some(f64::NAN), Some(2.0)]), "▁ █");
    }
}
