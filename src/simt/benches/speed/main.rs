//! How fast the executor is, as ratios measured in one run: against the crate `ptoxide`, against the same loops compiled
//! for this CPU, as launches grow, and instruction by instruction.
//!
//!     cargo bench -p pipe-simt --bench speed [gemm] [dilated] [scaling] [instructions]
//!
//! What is compared runs in turns, and what one thread does is timed by its time on a CPU, so that other work on the
//! machine matters little.
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a bench stops and prints")]

mod device;
mod dilated;
mod gemm;
mod instructions;
mod scaling;
mod timing;

/// A section's name and what measures and prints it.
type Section = (&'static str, fn());

const SECTIONS: [Section; 4] = [
    ("gemm", gemm::main),
    ("dilated", dilated::main),
    ("scaling", scaling::main),
    ("instructions", instructions::main),
];

fn main() {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    println!("vector instructions: {}; cores: {}", pipe_simt::vector_level(), device::cores());
    for (name, section) in SECTIONS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            println!();
            section();
        }
    }
}
