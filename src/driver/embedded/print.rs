//! What kernels print with `printf`: it waits on the device until the host synchronises with it, as CUDA has it, and then goes
//! to an observer.

use std::sync::OnceLock;

use crate::embedded::Driver;

static OBSERVER: OnceLock<fn(&[u8])> = OnceLock::new();

/// Has a function told what kernels of the embedded device print: at the next launch, synchronisation or blocking copy after
/// it, on the thread that makes that. The first observer stays; without one the text is dropped.
pub fn observe_prints(observer: fn(&[u8])) {
    let _ = OBSERVER.set(observer);
}

impl Driver {
    /// Hands on what was printed.
    pub(crate) fn flush_prints(&self) {
        for device in &self.devices {
            let text = device.memory.take_printed();
            if let Some(observer) = OBSERVER.get().filter(|_| !text.is_empty()) {
                observer(&text);
            }
        }
    }
}
