//! The `fanfare` binary.

use std::process::ExitCode;

/// Faster than the system's on the way of a push, where every call allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fanfare::cli::run()
}
