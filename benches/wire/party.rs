//! A party as its parent sees it: a process that is pinned to a core and told its role. It is this binary again, or PUSHY.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::child::{Counts, Line, Section, Whole};
use super::pushy;
use super::spec::{Role, Start, Subject};

/// How much longer than its run a party may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many lines of a party may wait to be read.
const LINES: usize = 64;

pub(crate) struct Party {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Line>,
    /// The lines that were read and not asked for yet.
    heard: Vec<Line>,
    pub(crate) port: u16,
    pub(crate) also: Option<u16>,
    pub(crate) ca: Option<String>,
}

impl Party {
    /// Starts a party, and waits until it is ready.
    pub(crate) fn start(start: &Start) -> anyhow::Result<Self> {
        let spec = &start.spec;
        let name = match start.role {
            Role::Load => "load".to_owned(),
            Role::Standin => "stand-in".to_owned(),
            Role::Subject => spec.subject.name().to_owned(),
        };
        let files = spec.files.filter(|_| start.role != Role::Load);
        let program = match (start.role, spec.subject) {
            (Role::Subject, Subject::Pushy) => pushy::command(start)?,
            _ => {
                vec![std::env::current_exe()?.into(), "--party".into(), serde_json::to_string(start)?.into()]
            }
        };
        let mut child = command(core(start), files, program)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("a party cannot be started: taskset (util-linux) pins it to its core")?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("a party without an output")?;
        let (sender, lines) = sync_channel(LINES);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line)
                    .unwrap_or_else(|error| Line::Failed(format!("{error} in {line:?}")));
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut party = Self { name, child, stdin, lines, heard: Vec::new(), port: 0, also: None, ca: None };
        (party.port, party.also, party.ca) = party.hear("ready", Duration::ZERO, |line| {
            if let Line::Ready { port, also, ca } = line { Some((*port, *also, ca.clone())) } else { None }
        })?;
        Ok(party)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn begun(&mut self, within: Duration) -> anyhow::Result<()> {
        self.hear("the beginning of the section", within, |line| matches!(line, Line::Begun).then_some(()))
    }

    pub(crate) fn ended(&mut self, within: Duration) -> anyhow::Result<Section> {
        self.hear("the end of the section", within, |line| {
            if let Line::Ended(section) = line { Some(section.clone()) } else { None }
        })
    }

    pub(crate) fn drained(&mut self, within: Duration) -> anyhow::Result<Whole> {
        self.hear("the last answers", within, |line| {
            if let Line::Drained(whole) = line { Some(whole.clone()) } else { None }
        })
    }

    pub(crate) fn counts(&mut self) -> anyhow::Result<Counts> {
        if let Some(stdin) = &mut self.stdin {
            stdin.write_all(b"\n").with_context(|| format!("{} is gone", self.name))?;
        }
        self.hear("counts", Duration::ZERO, |line| {
            if let Line::Counts(counts) = line { Some(counts.clone()) } else { None }
        })
    }

    /// Waits for a line that `read` accepts. Others are kept for whoever asks for them.
    fn hear<T>(
        &mut self,
        what: &str,
        within: Duration,
        read: impl Fn(&Line) -> Option<T>,
    ) -> anyhow::Result<T> {
        if let Some((at, heard)) =
            self.heard.iter().enumerate().find_map(|(at, line)| Some((at, read(line)?)))
        {
            self.heard.remove(at);
            return Ok(heard);
        }
        let end = Instant::now() + within + PATIENCE;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(Line::Failed(why)) => bail!("{}: {why}", self.name),
                Ok(line) => match read(&line) {
                    Some(heard) => return Ok(heard),
                    None => self.heard.push(line),
                },
                Err(RecvTimeoutError::Timeout) => bail!("{}: expected {what}, heard nothing", self.name),
                Err(RecvTimeoutError::Disconnected) => bail!("{} ended before {what}", self.name),
            }
        }
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        // A party ends when its input closes. One that hangs is killed.
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The core of a party. The subject has one to itself if there are two; with several workers it is not pinned.
fn core(start: &Start) -> Option<usize> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    match start.role {
        _ if cores < 2 => None,
        Role::Subject if start.spec.workers > 1 => None,
        Role::Subject => Some(1),
        Role::Load | Role::Standin => Some(0),
    }
}

fn command(core: Option<usize>, files: Option<u32>, program: Vec<OsString>) -> anyhow::Result<Command> {
    let mut words: Vec<OsString> = Vec::new();
    if let Some(core) = core {
        words.extend(["taskset".into(), "--cpu-list".into(), core.to_string().into()]);
    }
    if let Some(files) = files {
        words.extend(["sh".into(), "-c".into(), format!(r#"ulimit -n {files} && exec "$0" "$@""#).into()]);
    }
    words.extend(program);
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().context("no command")?);
    command.args(words);
    Ok(command)
}
