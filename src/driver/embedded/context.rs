//! Contexts: the owners of everything else, a stack of current ones for each thread, and the errors that
//! stick to them.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use crate::abi::*;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::stream::{LEAST_PRIORITY, Stream};
use crate::embedded::table::lock;
use crate::embedded::{Device, Driver};

/// Scheduling (3 bits), mapped host memory, local memory kept at its largest: all accepted, none changes
/// anything.
const FLAGS: u32 = 0x1f;

/// `CUlimit` values in their order: stack of a thread, printf buffer, heap, depth and number of nested
/// launches, L2 fetch granularity, persisting L2, all but the counts in bytes.
const LIMITS: [usize; 7] = [1024, 1 << 20, 8 << 20, 2, 2048, 64, 0];

thread_local! {
    /// This thread's contexts; the last is current.
    static CURRENT: RefCell<Vec<CUcontext>> = const { RefCell::new(Vec::new()) };
}

/// A context on a device.
pub(crate) struct Context {
    pub(crate) handle: CUcontext,
    pub(crate) device: usize,
    pub(crate) flags: AtomicU32,
    pub(crate) default_stream: Arc<Stream>,
    pub(crate) settings: Mutex<Settings>,
    /// What broke it: every call answers this until the context is destroyed.
    broken: OnceLock<Failure>,
}

/// What `cuCtxSet…` changes; kept and reported, without effect.
pub(crate) struct Settings {
    pub(crate) cache_config: CUfunc_cache,
    pub(crate) shared_config: CUsharedconfig,
    limits: [usize; LIMITS.len()],
}

impl Context {
    fn new(handle: CUcontext, device: usize, flags: u32) -> Self {
        Self {
            handle,
            device,
            flags: AtomicU32::new(flags),
            default_stream: Arc::new(Stream::new(handle, 0, LEAST_PRIORITY)),
            settings: Mutex::new(Settings { cache_config: 0, shared_config: 0, limits: LIMITS }),
            broken: OnceLock::new(),
        }
    }

    /// The failure that sticks to the context, if any.
    pub(crate) fn check(&self) -> Answer {
        self.broken.get().map_or(Ok(()), |failure| Err(failure.clone()))
    }

    /// Makes a failure stick. The first one stays.
    pub(crate) fn break_with(&self, failure: Failure) {
        let _ = self.broken.set(failure);
    }

    pub(crate) fn limit(&self, limit: CUlimit) -> Answer<usize> {
        (lock(&self.settings).limits.get(limit as usize).copied()).ok_or_else(|| unknown_limit(limit))
    }

    pub(crate) fn set_limit(&self, limit: CUlimit, value: usize) -> Answer {
        *lock(&self.settings).limits.get_mut(limit as usize).ok_or_else(|| unknown_limit(limit))? = value;
        Ok(())
    }
}

fn unknown_limit(limit: CUlimit) -> Failure {
    Failure::new(CUDA_ERROR_UNSUPPORTED_LIMIT, format!("limit {limit} is not known"))
}

/// A device's primary context: one handle for the life of the process, alive while it is retained.
pub(crate) struct Primary {
    pub(crate) handle: CUcontext,
    state: Mutex<Retained>,
}

#[derive(Clone, Copy)]
struct Retained {
    count: usize,
    flags: u32,
}

impl Primary {
    pub(crate) fn new(handle: CUcontext) -> Self {
        Self { handle, state: Mutex::new(Retained { count: 0, flags: 0 }) }
    }
}

impl Driver {
    /// The current context of this thread, broken or not.
    pub(crate) fn current(&self) -> Answer<Arc<Context>> {
        let handle = CURRENT.with_borrow(|stack| stack.last().copied());
        let handle = handle.ok_or_else(|| {
            Failure::new(CUDA_ERROR_INVALID_CONTEXT, "no context is current on this thread")
        })?;
        self.context_of(handle)
    }

    /// The current context of this thread, which works.
    pub(crate) fn context(&self) -> Answer<Arc<Context>> {
        let context = self.current()?;
        context.check()?;
        Ok(context)
    }

    /// A live context by its handle.
    pub(crate) fn context_of(&self, handle: CUcontext) -> Answer<Arc<Context>> {
        let destroyed = || Failure::new(CUDA_ERROR_CONTEXT_IS_DESTROYED, "the context was destroyed");
        self.contexts.get(handle).ok_or_else(destroyed)
    }

    /// A context that a caller names.
    pub(crate) fn named_context(&self, handle: CUcontext) -> Answer<Arc<Context>> {
        self.contexts.get(handle).ok_or_else(|| {
            Failure::new(CUDA_ERROR_INVALID_CONTEXT, "there is no such context, or it was destroyed")
        })
    }

    pub(crate) fn device_of(&self, context: &Context) -> &Device {
        &self.devices[context.device]
    }

    /// Creates a context and makes it current on top of the stack.
    pub(crate) fn create_context(&self, flags: u32, device: CUdevice) -> Answer<CUcontext> {
        let device = self.device(device)?.ordinal;
        check_flags(flags)?;
        let handle = CUcontext(self.numbers.next());
        self.contexts.insert(handle, Context::new(handle, device, flags));
        CURRENT.with_borrow_mut(|stack| stack.push(handle));
        Ok(handle)
    }

    /// Destroys a context and all that it owns; where it is current on this thread, the one below becomes
    /// current.
    pub(crate) fn destroy_context(&self, handle: CUcontext) -> Answer {
        self.named_context(handle)?;
        if self.devices.iter().any(|device| device.primary.handle == handle) {
            return Err(Failure::new(
                CUDA_ERROR_INVALID_CONTEXT,
                "a primary context is released (cuDevicePrimaryCtxRelease), not destroyed",
            ));
        }
        self.tear_down(handle);
        CURRENT.with_borrow_mut(|stack| {
            if stack.last() == Some(&handle) {
                stack.pop();
            }
        });
        Ok(())
    }

    /// Removes a context and what it owns, and tells the sanitizer what was not freed.
    fn tear_down(&self, handle: CUcontext) {
        let Some(context) = self.contexts.remove(handle) else { return };
        self.flush_prints();
        self.streams.take_if(|stream| stream.context == handle);
        self.events.take_if(|event| event.context == handle);
        self.unload_modules_of(&context);
        for address in self.device_of(&context).free_all(&context) {
            self.origins.forget(address);
            self.forget_unified(address);
        }
        // Kernels allocate from a heap of the device, which ends with its last context; after a fault it is left as it is.
        let others = self.contexts.all_if(|other| other.device == context.device);
        if others.is_empty() && context.check().is_ok() {
            self.device_of(&context).memory.end_heap();
        }
    }

    /// Retains a device's primary context, made where this is the first.
    pub(crate) fn retain_primary(&self, device: CUdevice) -> Answer<CUcontext> {
        let Device { ordinal, primary, .. } = self.device(device)?;
        let mut state = lock(&primary.state);
        if state.count == 0 {
            self.contexts.insert(primary.handle, Context::new(primary.handle, *ordinal, state.flags));
        }
        state.count += 1;
        Ok(primary.handle)
    }

    /// Gives one retain back; the last destroys the context.
    pub(crate) fn release_primary(&self, device: CUdevice) -> Answer {
        let primary = &self.device(device)?.primary;
        let mut state = lock(&primary.state);
        state.count = state.count.checked_sub(1).ok_or_else(|| {
            Failure::new(
                CUDA_ERROR_INVALID_CONTEXT,
                "the primary context was released more often than retained",
            )
        })?;
        if state.count == 0 {
            self.tear_down(primary.handle);
        }
        Ok(())
    }

    /// Destroys what the primary context owns and the failure that sticks to it. Who retains it still does:
    /// they have it as new.
    pub(crate) fn reset_primary(&self, device: CUdevice) -> Answer {
        let Device { ordinal, primary, .. } = self.device(device)?;
        let state = lock(&primary.state);
        self.tear_down(primary.handle);
        if state.count > 0 {
            self.contexts.insert(primary.handle, Context::new(primary.handle, *ordinal, state.flags));
        }
        Ok(())
    }

    /// Changes the flags of the current context.
    pub(crate) fn set_context_flags(&self, flags: u32) -> Answer {
        check_flags(flags)?;
        self.context()?.flags.store(flags, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn set_primary_flags(&self, device: CUdevice, flags: u32) -> Answer {
        check_flags(flags)?;
        lock(&self.device(device)?.primary.state).flags = flags;
        Ok(())
    }

    /// The primary context's flags and whether it is alive.
    pub(crate) fn primary_state(&self, device: CUdevice) -> Answer<(u32, bool)> {
        let state = *lock(&self.device(device)?.primary.state);
        Ok((state.flags, state.count > 0))
    }

    pub(crate) fn push_current(&self, handle: CUcontext) -> Answer {
        self.named_context(handle)?;
        CURRENT.with_borrow_mut(|stack| stack.push(handle));
        Ok(())
    }

    pub(crate) fn pop_current(&self) -> Answer<CUcontext> {
        CURRENT
            .with_borrow_mut(Vec::pop)
            .ok_or_else(|| Failure::new(CUDA_ERROR_INVALID_CONTEXT, "no context is current on this thread"))
    }

    /// Replaces the current context; null takes it away.
    pub(crate) fn set_current(&self, handle: CUcontext) -> Answer {
        if handle != CUcontext::NULL {
            self.named_context(handle)?;
        }
        CURRENT.with_borrow_mut(|stack| {
            stack.pop();
            if handle != CUcontext::NULL {
                stack.push(handle);
            }
        });
        Ok(())
    }

    /// The handle of the current context, null where there is none.
    pub(crate) fn current_handle(&self) -> CUcontext {
        CURRENT.with_borrow(|stack| stack.last().copied().unwrap_or(CUcontext::NULL))
    }

    /// Refuses to let the current context's kernels use a peer's memory: they reach their own device's alone.
    /// Copies reach all.
    pub(crate) fn enable_peer_access(&self, peer: CUcontext) -> Answer {
        let context = self.context()?;
        let peer = self.named_context(peer)?;
        if peer.device == context.device {
            return Err(Failure::new(CUDA_ERROR_INVALID_DEVICE, "a device is no peer of itself"));
        }
        Err(Failure::new(
            CUDA_ERROR_PEER_ACCESS_UNSUPPORTED,
            "kernels of an embedded device use its own memory only; copy between the devices instead",
        ))
    }

    /// Takes that access back, which nobody has.
    pub(crate) fn disable_peer_access(&self, peer: CUcontext) -> Answer {
        self.context()?;
        self.named_context(peer)?;
        Err(Failure::new(CUDA_ERROR_PEER_ACCESS_NOT_ENABLED, "peer access was not enabled"))
    }
}

fn check_flags(flags: u32) -> Answer {
    match flags & !FLAGS {
        0 => Ok(()),
        unknown => Err(Failure::invalid_value(format!("context flags {unknown:#x} are not known"))),
    }
}
