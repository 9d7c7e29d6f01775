//! Reads what the kernel knows about a process. Source: proc(5).

use std::fs;

use anyhow::Context;

/// How long all threads together were on a core, user and system, in nanoseconds: utime and stime tell it only in ticks of
/// 10 ms.
pub(crate) fn cpu_ns(id: u32) -> anyhow::Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{id}/task"))? {
        // A thread that has just ended cannot be read. It costs the count at most a tick.
        let Ok(stat) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        sum += stat.split_whitespace().next().context("an empty schedstat")?.parse::<u64>()?;
    }
    Ok(sum)
}

/// Resident memory now and at its peak, in KiB.
pub(crate) fn memory_kib(id: u32) -> anyhow::Result<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let read = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
        anyhow::Ok(line.split_whitespace().next().context("an empty line")?.parse()?)
    };
    Ok((read("VmRSS:")?, read("VmHWM:")?))
}

/// How many descriptors are open.
pub(crate) fn descriptors(id: u32) -> anyhow::Result<u64> {
    Ok(fs::read_dir(format!("/proc/{id}/fd"))?.count() as u64)
}
