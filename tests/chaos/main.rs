//! The chaos run sends rounds of pushes through faults that a seed draws. After each round every push is accounted for.
//!
//! ```console
//! $ cargo test --test chaos -- --pushes 200000 --seed 1
//! ```
//!
//! It shares traffic, script and accounts with the fault suite. Its memory does not grow with the pushes, because everything
//! that a round has seen is dropped when its accounts balance.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "it reports on a terminal")]

#[path = "../faults/accounts.rs"]
mod accounts;
#[path = "../faults/bounds.rs"]
mod bounds;
#[path = "../faults/ledger.rs"]
mod ledger;
#[path = "../faults/marker.rs"]
mod marker;
#[path = "../faults/network.rs"]
mod network;
mod plan;
mod quota;
#[path = "../faults/records.rs"]
#[allow(dead_code, reason = "the fault suite has a proxy")]
mod records;
mod report;
#[path = "../faults/script.rs"]
#[allow(dead_code, reason = "the fault suite has a proxy")]
mod script;
#[path = "../faults/settings.rs"]
#[allow(dead_code, reason = "the fault suite has upstreams that are never left alone")]
mod settings;
#[path = "../faults/shape.rs"]
mod shape;
#[path = "../faults/traffic.rs"]
#[allow(dead_code, reason = "the fault suite has a usual traffic")]
mod traffic;
#[path = "../faults/tunnels.rs"]
#[allow(dead_code, reason = "the fault suite has a proxy")]
mod tunnels;
#[path = "../faults/twice.rs"]
mod twice;
#[path = "../faults/worlds.rs"]
#[allow(dead_code, reason = "the fault suite has a warm-up")]
mod worlds;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use fanfare_simulator::Fault;
use ledger::Broken;
use plan::{Kind, Plan};
use report::Report;
use script::{Blow, Step};
use traffic::Traffic;
use worlds::{Shape, World};

/// How many rounds a run is divided into, as long as none has fewer or more pushes than the two numbers below.
const ROUNDS: u64 = 200;
const SMALLEST: u64 = 2500;
const LARGEST: u64 = 10_000;

/// More connections than this in a round are a storm.
const STORM: u64 = 60;

/// A connection is asked before it is used again when it was silent for so long, so that pauses of rounds are rests.
const PROBE_AFTER: Duration = Duration::from_millis(100);

/// What a fault has shut opens again within this.
const RECOVERS: Duration = Duration::from_secs(120);

/// By how many bytes resident memory may grow from the first round to the last.
const GROWTH: u64 = 256 << 20;

/// By how many descriptors there may be more at the end: connections to the upstream that are still open.
const DESCRIPTORS: usize = 32;

/// Sends pushes through faults drawn from a seed, and accounts for each of them.
#[derive(Parser)]
struct Options {
    /// How many pushes to send.
    #[arg(long, default_value_t = 200_000)]
    pushes: u64,
    /// The seed that draws the faults. The same seed draws the same ones. By default it is random.
    #[arg(long)]
    seed: Option<u64>,
    /// The run fails if it takes longer than this.
    #[arg(long, default_value = "1h", value_parser = humantime::parse_duration)]
    limit: Duration,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    println!("chaos: {} pushes, --seed {seed}", options.pushes);
    let ended = match tokio::time::timeout(options.limit, run(options.pushes, seed)).await {
        Ok(ended) => ended,
        Err(_) => Err(Broken::rule("the run ends in time", format!("not within {:?}", options.limit))),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(broken) => {
            println!("chaos: {broken}; again with: --pushes {} --seed {seed}", options.pushes);
            ExitCode::FAILURE
        }
    }
}

async fn run(pushes: u64, seed: u64) -> Result<(), Broken> {
    let shape = Shape {
        streams: plan::STREAMS,
        latency: Duration::from_millis(2),
        names: plan::well(),
        seed,
        ..Shape::default()
    };
    let mut world = World::start(shape, |config| {
        let upstream = &mut config.upstream;
        upstream.connect_timeout = Duration::from_secs(2);
        upstream.answer_timeout = Duration::from_secs(3);
        upstream.ping_after = Duration::from_millis(500);
        upstream.ping_timeout = Duration::from_secs(3);
        (upstream.probe_after, upstream.probe_timeout) = (PROBE_AFTER, Duration::from_millis(500));
    })
    .await;
    let begun = Instant::now();
    let mut report = Report::default();
    let (mut memory, mut descriptors, mut said) = (0, 0, 0);
    while report.pushes < pushes {
        let count = (pushes / ROUNDS).clamp(SMALLEST, LARGEST).min(pushes - report.pushes);
        round(&mut world, seed, count, &mut report).await?;
        if report.rounds == 1 {
            (memory, descriptors) = (resident(), open_descriptors());
        }
        let tenths = report.pushes * 10 / pushes;
        if tenths > said {
            said = tenths;
            let (done, seconds) = (report.pushes, begun.elapsed().as_secs());
            println!("chaos: {:3} %  {done} pushes, {} connections, {seconds} s", said * 10, report.opened);
        }
    }
    let took = begun.elapsed();
    let resent = world.metric("fanfare_upstream_resent_total{", "");
    println!("{}", report.table(took, resent, (memory, resident())));
    if resident() > memory + GROWTH {
        let found = format!("{} bytes after the first round, {} now", memory, resident());
        return Err(Broken::rule("memory does not grow with the pushes", found));
    }
    if open_descriptors() > descriptors + DESCRIPTORS {
        let found = format!("{descriptors} after the first round, {} now", open_descriptors());
        return Err(Broken::rule("descriptors return", found));
    }
    world.end().await;
    quota::run(seed, pushes / 10).await
}

/// Runs one round: its faults, its traffic and its accounts.
async fn round(world: &mut World, seed: u64, pushes: u64, report: &mut Report) -> Result<(), Broken> {
    let Plan { kinds, steps } = plan::draw(seed, report.rounds, pushes);
    let traffic = Traffic { callers: 100, batches: 2, pushes, repeatable_every: 7, once_every: 11 };
    let in_round = |broken: Broken| broken.after(format!("{kinds:?}"));
    let forgotten = kinds == [Kind::Forgotten];
    if forgotten {
        tokio::time::sleep(2 * PROBE_AFTER).await;
        script::play(world, vec![Step::later(0, Blow::StrikeAll(Fault::HalfOpen))]).await;
    }
    let before = world.opened();
    let totals = world.run(traffic, steps).await?;
    script::play(world, plan::mended()).await;
    let opened = world.opened() - before;
    if forgotten && totals.accepted != pushes {
        return Err(in_round(Broken::rule("a burst after a rest loses nothing", format!("{totals:?}"))));
    }
    // An upstream that fails often enough is left alone for a while, whatever its faults are.
    if totals.unsent > totals.left_alone + totals.paced && !kinds.iter().any(|kind| kind.leaves_unsent()) {
        let broken = Broken::rule("where an address is well, every push is sent", format!("{totals:?}"));
        return Err(in_round(broken));
    }
    if opened > STORM {
        return Err(in_round(Broken::rule("no storm of connections", format!("{opened} opened"))));
    }
    report.opened += opened;
    report.add(pushes, &kinds, &totals);
    recovers(world).await.map_err(in_round)
}

/// Sends one push after the other until one is accepted: what the faults have shut opens again.
async fn recovers(world: &mut World) -> Result<(), Broken> {
    let one = Traffic { callers: 1, batches: 0, ..Traffic::of(1) };
    let accepted = async {
        while world.run(one, Vec::new()).await?.accepted == 0 {}
        Ok(())
    };
    let shut = |_| Broken::rule("what was shut opens again", format!("not within {RECOVERS:?}"));
    tokio::time::timeout(RECOVERS, accepted).await.map_err(shut)?
}

/// How many bytes of this process are in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) << 10
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
