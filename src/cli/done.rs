//! How a command ended.

/// How a command ended, which is its exit code.
pub(super) enum Done {
    /// Exit code 0: the command ran, and its answer is yes.
    Good,
    /// Exit code 1: the command ran, and its answer is no.
    Bad,
    /// Exit code 2: the command could not begin, and its log says why.
    NotBegun,
    /// Exit code 3: the command broke off, and a part of its work has no answer.
    BrokenOff,
}
