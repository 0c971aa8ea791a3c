//! A trace: what is allocated and given back, in which order. The same case gives the same trace on every machine.

use oorandom::Rand64;
use pipe_kernels::{PlanError, TraceKind};
use pipe_model::Case;

/// Most buffers that `varied-sizes` holds at once.
const MOST_HELD: u64 = 32;
/// Sizes that `reuse` asks for again and again.
const SIZES: u64 = 8;
/// Sizes are multiples of so many bytes, so that a buffer can be filled with words.
const WORD: u64 = 4;

/// One step of a trace. Buffers are numbered as they are allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The next buffer is allocated.
    Allocate { bytes: u64 },
    /// The buffer of this number is given back.
    Free { buffer: usize },
}

/// Steps after which nothing is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) events: Vec<Event>,
    /// How many of them are allocations.
    pub(crate) allocations: usize,
}

impl Trace {
    /// The trace of a case.
    ///
    /// # Errors
    /// [`PlanError::Case`] where a parameter is missing or makes no sense.
    pub(crate) fn of(case: &Case) -> Result<Self, PlanError> {
        let text = |name: &str| {
            let missing = || malformed(name, "the case does not give it".to_owned());
            case.parameters.get(name).map(String::as_str).ok_or_else(missing)
        };
        let number = |name: &str| match text(name)?.parse::<u64>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(malformed(name, format!("'{}' is no positive number", text(name)?))),
        };
        let kind: TraceKind = text("trace")?.parse().map_err(|error| malformed("trace", error))?;
        let (smallest, largest) = (number("smallest_bytes")?, number("largest_bytes")?);
        if largest < smallest {
            return Err(malformed(
                "largest_bytes",
                format!("{largest} is less than smallest_bytes, {smallest}"),
            ));
        }
        let mut writer = Writer {
            random: Rand64::new(u128::from(number("seed")?)),
            smallest,
            largest,
            held: Vec::new(),
            trace: Self { events: Vec::new(), allocations: 0 },
        };
        let allocations = number("allocations")?;
        match kind {
            TraceKind::VariedSizes => writer.varied_sizes(allocations),
            TraceKind::Reuse => writer.reuse(allocations),
            TraceKind::Fragmentation => writer.fragmentation(allocations),
        }
        writer.free_all();
        Ok(writer.trace)
    }
}

fn malformed(parameter: &str, message: String) -> PlanError {
    PlanError::Case { parameter: parameter.to_owned(), message }
}

/// Writes a trace step by step.
struct Writer {
    random: Rand64,
    smallest: u64,
    largest: u64,
    /// Numbers of the buffers that are held.
    held: Vec<usize>,
    trace: Trace,
}

impl Writer {
    fn allocate(&mut self, bytes: u64) {
        self.held.push(self.trace.allocations);
        self.trace.allocations += 1;
        let bytes = bytes.clamp(self.smallest, self.largest).next_multiple_of(WORD);
        self.trace.events.push(Event::Allocate { bytes });
    }

    fn free(&mut self, index: usize) {
        let buffer = self.held.swap_remove(index);
        self.trace.events.push(Event::Free { buffer });
    }

    fn free_all(&mut self) {
        while !self.held.is_empty() {
            self.free(self.held.len() - 1);
        }
    }

    /// A size between two, each order of magnitude as likely as the other.
    fn between(&mut self, low: f64, high: f64) -> u64 {
        (low * (high / low).powf(self.random.rand_float())) as u64
    }

    /// Sizes of every order of magnitude; beyond a number of buffers one of those held goes for each that comes.
    fn varied_sizes(&mut self, allocations: u64) {
        for _ in 0..allocations {
            if self.held.len() as u64 >= self.random.rand_range(MOST_HELD / 4..MOST_HELD + 1) {
                let index = self.random.rand_range(0..self.held.len() as u64) as usize;
                self.free(index);
            }
            let bytes = self.between(self.smallest as f64, self.largest as f64);
            self.allocate(bytes);
        }
    }

    /// Steps of one buffer of each size, given back in the opposite order, as activations are.
    fn reuse(&mut self, allocations: u64) {
        let ratio = self.largest as f64 / self.smallest as f64;
        for number in 0..allocations {
            let step = (number % SIZES) as f64 / (SIZES - 1) as f64;
            self.allocate((self.smallest as f64 * ratio.powf(step)) as u64);
            if number % SIZES == SIZES - 1 {
                self.free_all();
            }
        }
    }

    /// Two rounds of small buffers, every other one of which goes, and of larger ones that need two holes or more.
    fn fragmentation(&mut self, allocations: u64) {
        let smallest = self.smallest as f64;
        for round in 0..2 {
            let of_round = (allocations + round) / 2;
            let small = of_round * 2 / 3;
            for _ in 0..small {
                let bytes = self.between(smallest, 2.0 * smallest);
                self.allocate(bytes);
            }
            for index in (0..self.held.len() / 2).rev() {
                self.free(2 * index);
            }
            for _ in small..of_round {
                let bytes = self.between(2.0 * smallest, 16.0 * smallest);
                self.allocate(bytes);
            }
            self.free_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(kind: TraceKind, changes: &[(&str, &str)]) -> Case {
        let parameters =
            [("allocations", "200"), ("smallest_bytes", "1000"), ("largest_bytes", "1000000"), ("seed", "7")];
        let mut case = Case::default();
        case.parameters.insert("trace".to_owned(), kind.to_string());
        for (name, value) in parameters.iter().chain(changes) {
            case.parameters.insert((*name).to_owned(), (*value).to_owned());
        }
        case
    }

    #[test]
    fn what_is_allocated_is_given_back_once() {
        for kind in TraceKind::ALL {
            let trace = Trace::of(&case(*kind, &[])).unwrap();
            assert_eq!(trace.allocations, 200, "{kind}");
            let mut held = vec![];
            for event in &trace.events {
                match event {
                    Event::Allocate { bytes } => {
                        assert!(
                            (1000..=1_000_000).contains(bytes) && bytes.is_multiple_of(WORD),
                            "{kind}: {bytes}"
                        );
                        held.push(true);
                    }
                    Event::Free { buffer } => assert!(std::mem::replace(&mut held[*buffer], false), "{kind}"),
                }
            }
            assert_eq!((held.len(), held.iter().filter(|held| **held).count()), (200, 0), "{kind}");
        }
    }

    #[test]
    fn a_seed_makes_a_trace() {
        let kind = TraceKind::VariedSizes;
        assert_eq!(Trace::of(&case(kind, &[])).unwrap(), Trace::of(&case(kind, &[])).unwrap());
        assert_ne!(Trace::of(&case(kind, &[])).unwrap(), Trace::of(&case(kind, &[("seed", "8")])).unwrap());
    }

    #[test]
    fn parameters_that_make_no_sense_are_named() {
        let error = |changes| Trace::of(&case(TraceKind::Reuse, changes)).unwrap_err().to_string();
        insta::assert_snapshot!(error(&[("allocations", "0")]), @"allocations: '0' is no positive number");
        insta::assert_snapshot!(error(&[("largest_bytes", "9")]), @"largest_bytes: 9 is less than smallest_bytes, 1000");
        insta::assert_snapshot!(error(&[("trace", "reus")]), @"trace: unknown trace 'reus', there are varied-sizes, reuse, fragmentation; did you mean 'reuse'?");
        insta::assert_snapshot!(Trace::of(&Case::default()).unwrap_err(), @"trace: the case does not give it");
    }
}
