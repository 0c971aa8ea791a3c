//! Imports of real files of every format, of files shaped like the predecessor's, and of files nobody should have written.

mod accounting;
mod formats;
mod hostile;
mod legacy;
mod support;
mod tables;
