//! Counts with strace and perf, if they are installed and the machine has the counters.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use anyhow::Context;

/// All system calls that write to a socket.
const WRITES: &str = "trace=write,writev,sendto,sendmsg";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    /// strace counts write calls. It slows its process far down, so nothing else of such a run counts.
    Strace,
    /// perf counts instructions in user space. Most virtual machines have no such counter.
    Perf,
}

/// A tool at work on a process.
pub(crate) struct Attached {
    tool: Tool,
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Tool {
    /// Whether the tool can count here.
    pub(crate) fn works(self) -> bool {
        let mut command = match self {
            Self::Strace => Command::new("strace"),
            Self::Perf => Command::new("perf"),
        };
        let command = match self {
            Self::Strace => command.args(["-c", "-e", WRITES, "true"]),
            Self::Perf => command.args(["stat", "-x,", "-e", "instructions:u", "true"]),
        };
        let output = command.stdin(Stdio::null()).output();
        output.is_ok_and(|output| output.status.success() && !contains(&output.stderr, b"<not supported>"))
    }

    /// Starts the tool.
    pub(crate) fn attach(self, id: u32) -> anyhow::Result<Attached> {
        let mut command = match self {
            Self::Strace => Command::new("strace"),
            Self::Perf => Command::new("perf"),
        };
        let id = id.to_string();
        let command = match self {
            Self::Strace => command.args(["-c", "-f", "-e", WRITES, "-p", &id]),
            Self::Perf => command.args(["stat", "-x,", "-e", "instructions:u", "-p", &id]),
        };
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut stderr = BufReader::new(child.stderr.take().context("a tool without an output")?);
        if self == Self::Strace {
            // "strace: Process 1 attached with 2 threads"
            stderr.read_line(&mut String::new())?;
        }
        Ok(Attached { tool: self, child, stderr })
    }
}

impl Attached {
    /// Ends the tool, and returns its count.
    pub(crate) fn detach(mut self) -> anyhow::Result<u64> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-INT", &id]).status()?;
        let mut said = String::new();
        self.stderr.read_to_string(&mut said)?;
        self.child.wait()?;
        let count = match self.tool {
            // "100.00    0.012345           2      5432           total"
            Tool::Strace => said
                .lines()
                .find(|line| line.trim_end().ends_with("total"))
                .and_then(|line| line.split_whitespace().nth(3)),
            // "123456,,instructions:u,…"
            Tool::Perf => said
                .lines()
                .find(|line| line.contains("instructions"))
                .and_then(|line| line.split(',').next()),
        };
        count.and_then(|count| count.parse().ok()).with_context(|| format!("no count in {said:?}"))
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
