//! The one place that maps errors to messages, hints and exit codes.

use std::{error::Error, fmt, io, process::ExitCode};

/// How the process ends. Scripts rely on these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All went well.
    Done,
    /// pipe itself failed.
    Failed,
    /// The command line asks for something that does not exist or cannot be.
    Usage,
    /// A kernel became slower.
    Slower,
    /// Whether a kernel became slower is unclear, or was not measured.
    Unclear,
    /// A kernel failed or gave a wrong result; its row is in the history.
    KernelFailed,
    /// Ctrl-C; what was finished is in the history.
    Interrupted,
}

impl Exit {
    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Slower => 10,
            Exit::Unclear => 11,
            Exit::KernelFailed => 12,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// An error on its way to the user: what failed, what to do about it, and how the process ends.
#[derive(Debug)]
pub(crate) struct CommandError {
    exit: Exit,
    source: Box<dyn Error + Send + Sync>,
    hint: Option<String>,
}

impl CommandError {
    /// The command line asks for what is not there.
    pub(crate) fn usage(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit: Exit::Usage, source: source.into(), hint: None }
    }

    /// pipe, or what it stands on, failed.
    pub(crate) fn failed(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit: Exit::Failed, source: source.into(), hint: None }
    }

    /// A kernel failed or is wrong.
    pub(crate) fn kernel(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit: Exit::KernelFailed, source: source.into(), hint: None }
    }

    /// The user asked to stop.
    pub(crate) fn interrupted(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit: Exit::Interrupted, source: source.into(), hint: None }
    }

    /// The same error as one of the command line.
    pub(crate) fn into_usage(mut self) -> Self {
        self.exit = Exit::Usage;
        self
    }

    /// Adds what the user can do about it.
    pub(crate) fn with_hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        if self.is_broken_pipe() { Exit::Done } else { self.exit }
    }

    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The error and its causes, one after the other; a cause already told by the message above it is left out.
    pub(crate) fn message(&self) -> String {
        let mut message = self.source.to_string();
        for cause in self.causes().skip(1) {
            let cause = cause.to_string();
            if !message.contains(&cause) {
                message.push_str(": ");
                message.push_str(&cause);
            }
        }
        message
    }

    /// Whether whoever read our output stopped reading, which is no failure.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.causes().any(|cause| {
            cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
        })
    }

    fn causes<'a>(&'a self) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
        let first: &'a (dyn Error + 'static) = self.source.as_ref();
        std::iter::successors(Some(first), |error: &&'a (dyn Error + 'static)| (*error).source())
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        CommandError::failed(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot write the answer")]
    struct Outer(#[source] io::Error);

    #[test]
    fn causes_are_told_once() {
        let error = CommandError::failed(Outer(io::Error::other("disk on fire")));
        assert_eq!(error.message(), "cannot write the answer: disk on fire");
        assert_eq!(error.exit(), Exit::Failed);
    }

    #[test]
    fn a_broken_pipe_is_no_failure_however_deep() {
        let error = CommandError::failed(Outer(io::Error::from(io::ErrorKind::BrokenPipe)));
        assert_eq!(error.exit(), Exit::Done);
    }
}
