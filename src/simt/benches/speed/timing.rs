//! Timing of candidates in turns.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

/// Time this thread has been on a CPU, where the system tells, else the time of day.
fn busy() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    // The scheduler brings the number up to date when it is called.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|number| number.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// Which clock times a candidate.
#[derive(Clone, Copy)]
pub(crate) enum Clock {
    /// This thread's time on a CPU, for what runs on one thread.
    Busy,
    /// The time of day, for what runs on several.
    Wall,
}

/// Something to time.
pub(crate) struct Candidate<'a> {
    pub(crate) clock: Clock,
    pub(crate) run: &'a mut dyn FnMut(),
}

impl<'a> Candidate<'a> {
    /// On this thread.
    pub(crate) fn here(run: &'a mut dyn FnMut()) -> Self {
        Candidate { clock: Clock::Busy, run }
    }

    /// On all cores.
    pub(crate) fn everywhere(run: &'a mut dyn FnMut()) -> Self {
        Candidate { clock: Clock::Wall, run }
    }

    fn time(&mut self, runs: u32) -> Duration {
        let now = || match self.clock {
            Clock::Busy => busy(),
            Clock::Wall => {
                static START: LazyLock<Instant> = LazyLock::new(Instant::now);
                START.elapsed()
            }
        };
        let start = now();
        for _ in 0..runs {
            (self.run)();
        }
        (now() - start) / runs
    }
}

/// Runs candidates in turns and gives for each the seconds of a run: the median of `ROUNDS` of at least 20 ms each for
/// time on a CPU, the least for the time of day, which other work can only lengthen.
pub(crate) fn in_turns<const N: usize>(mut candidates: [Candidate<'_>; N]) -> [f64; N] {
    const ROUNDS: usize = 9;
    let enough = Duration::from_millis(20);
    let mut runs = [1u32; N];
    for (candidate, runs) in candidates.iter_mut().zip(&mut runs) {
        // The first run warms up.
        let once = candidate.time(1).min(candidate.time(1));
        *runs = (enough.as_nanos() / once.as_nanos().max(1)).clamp(1, 1 << 20) as u32;
    }
    let mut times = [[0.0; ROUNDS]; N];
    for round in 0..ROUNDS {
        for ((candidate, runs), times) in candidates.iter_mut().zip(runs).zip(&mut times) {
            times[round] = candidate.time(runs).as_secs_f64();
        }
    }
    let mut chosen = [0.0; N];
    for ((candidate, times), chosen) in candidates.iter().zip(&mut times).zip(&mut chosen) {
        times.sort_by(f64::total_cmp);
        *chosen = match candidate.clock {
            Clock::Busy => times[ROUNDS / 2],
            Clock::Wall => times[0],
        };
    }
    chosen
}
