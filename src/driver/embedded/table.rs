//! Objects by handle. A handle is a number that is given out once: a stale one finds nothing, and so does one
//! of another kind.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Gives out numbers for handles, never the same twice and none that CUDA gives a meaning of its own (0, 1,
/// 2).
pub(crate) struct Numbers(AtomicUsize);

impl Numbers {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(0x1000))
    }

    pub(crate) fn next(&self) -> usize {
        self.0.fetch_add(0x10, Ordering::Relaxed)
    }
}

/// The live objects of one kind.
pub(crate) struct Table<K, T>(RwLock<HashMap<K, Arc<T>>>);

impl<K: Copy + Eq + Hash, T> Table<K, T> {
    pub(crate) fn new() -> Self {
        Self(RwLock::new(HashMap::new()))
    }

    pub(crate) fn insert(&self, handle: K, object: T) -> Arc<T> {
        let object = Arc::new(object);
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(handle, Arc::clone(&object));
        object
    }

    pub(crate) fn get(&self, handle: K) -> Option<Arc<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&handle).cloned()
    }

    pub(crate) fn remove(&self, handle: K) -> Option<Arc<T>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&handle)
    }

    /// What the condition holds for.
    pub(crate) fn all_if(&self, condition: impl Fn(&T) -> bool) -> Vec<Arc<T>> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        table.values().filter(|object| condition(object)).cloned().collect()
    }

    /// Removes what the condition holds for and returns it.
    pub(crate) fn take_if(&self, condition: impl Fn(&T) -> bool) -> Vec<Arc<T>> {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        table.extract_if(|_, object| condition(object)).map(|(_, object)| object).collect()
    }
}

/// Locks a mutex; what it guards is valid even if a thread panicked while it held it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
