//! The `fanfare` binary.

use std::process::ExitCode;

/// Faster than the system's on the way of a push, where every call allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The allocator asks for huge pages, of which all 2 MiB are there as soon as one byte is touched. Without them an idle
    // gateway takes 12.5 MB where it took 24.9, and 21 MiB under a stream of pushes where it took 33; a thousand claims of
    // 4 MiB took 35 MB before there was a gate, and not 1,336. The CPU is the same: 2.58 µs a push by stream beside 2.64 with
    // them, 7.45 by call beside 7.62 (medians of five runs of `cargo bench --bench wire`, with MIMALLOC_ALLOW_THP=0 and 1).
    // A kernel that cannot take them off costs memory alone.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let (hash, seconds) = fanfare_commit::commit!();
    fanfare::cli::run(fanfare::version::Commit { hash, seconds })
}
