//! A party in its own process. It says when it is ready, counts when it is asked, and ends when its standard input closes.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::BufRead;

use serde::{Deserialize, Serialize};
use tokio::runtime::Builder;
use tokio::sync::mpsc;

/// The counts of a party, by name.
pub(crate) type Counts = BTreeMap<String, u64>;

/// A line that a party prints for its parent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Line {
    Ready {
        port: u16,
        also: Option<u16>,
        ca: Option<String>,
    },
    Counts(Counts),
    /// The measured section begins.
    Begun,
    /// The measured section is over.
    Ended(Section),
    /// Every push has its answer, or was waited for long enough.
    Drained(Whole),
    Failed(String),
}

/// The counts of a load in its measured section.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Section {
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    pub(crate) seconds: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
}

/// The counts of a load over its whole life.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Whole {
    pub(crate) sent: u64,
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    /// The first failures, in words.
    pub(crate) failures: Vec<String>,
}

impl Whole {
    /// How many pushes were sent and not accepted.
    pub(crate) fn lost(&self) -> u64 {
        self.sent - self.completed
    }
}

pub(crate) fn tell(line: &Line) {
    match serde_json::to_string(line) {
        Ok(line) => println!("{line}"),
        Err(error) => eprintln!("a line cannot be written: {error}"),
    }
}

/// A party that has started.
pub(crate) struct Started {
    pub(crate) port: u16,
    /// Another port: that of the collector beside a stand-in, or where the gateway tells how it is.
    pub(crate) also: Option<u16>,
    pub(crate) ca: Option<String>,
    pub(crate) counts: Box<dyn Fn() -> Counts>,
}

/// Runs a party until its standard input closes. With 0 workers everything runs on this thread, whose allocations are counted.
pub(crate) fn run(
    workers: usize,
    start: impl Future<Output = anyhow::Result<Started>>,
) -> anyhow::Result<()> {
    let runtime = match workers {
        0 => Builder::new_current_thread().enable_all().build()?,
        workers => Builder::new_multi_thread().worker_threads(workers).enable_all().build()?,
    };
    let started = match runtime.block_on(start) {
        Ok(started) => started,
        Err(error) => {
            tell(&Line::Failed(format!("{error:#}")));
            return Err(error);
        }
    };
    let (sender, mut asked) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if line.is_err() || sender.blocking_send(()).is_err() {
                return;
            }
        }
    });
    tell(&Line::Ready { port: started.port, also: started.also, ca: started.ca });
    let mut allocations = 0;
    loop {
        let ((fresh, grown, _), asked) = alloc_counter::count_alloc(|| runtime.block_on(asked.recv()));
        allocations += fresh + grown;
        if asked.is_none() {
            // Pushes that are still in flight do not matter any more.
            std::process::exit(0);
        }
        let mut counts = (started.counts)();
        if workers == 0 {
            counts.insert("allocations".to_owned(), allocations as u64);
        }
        tell(&Line::Counts(counts));
    }
}
