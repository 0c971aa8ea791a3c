//! Any text is either read, and then shown and read again without a difference, or refused with diagnostics that can be
//! rendered.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    match pipe_ptx::parse(text) {
        Ok(module) => {
            let shown = module.to_string();
            match pipe_ptx::parse(&shown) {
                Ok(again) => assert_eq!(shown, again.to_string(), "showing it twice makes a difference"),
                Err(diagnostics) => panic!("what is shown is refused: {diagnostics}\n{shown}"),
            }
        }
        Err(diagnostics) => {
            let _ = diagnostics.render("fuzz.ptx", text);
        }
    }
    Corpus::Keep
});
