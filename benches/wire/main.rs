//! `cargo bench --bench wire` measures what a push costs on the wire, beside what its parts cost. `docs/performance.md`
//! describes the method.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to people")]

mod brief;
mod callers;
mod child;
mod collector;
mod controls;
mod frames;
mod gateway;
mod goal;
mod hpack;
mod hyper_echo;
mod load;
mod messages;
mod party;
mod process;
mod pushy;
mod raw;
mod report;
mod rounds;
mod run;
mod scenarios;
mod seed_shape;
mod sockets;
mod spec;
mod standin;
mod subject;
mod tally;
mod tools;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;

use child::Started;
use scenarios::Scenario;
use spec::{Role, Spec, Start};
use tools::Tool;

/// The allocator of the shipped binary, with a counter for each thread.
#[global_allocator]
static ALLOCATOR: alloc_counter::AllocCounter<mimalloc::MiMalloc> =
    alloc_counter::AllocCounter(mimalloc::MiMalloc);

/// Measures the gateway on the wire: load, gateway and stand-in push service are processes of their own.
///
/// Each run prints completed answers per second, CPU µs per push of each process, latencies, memory, descriptors, upstream
/// sockets and writes; each scenario then prints its goals, as medians over the rounds.
#[derive(Debug, Parser)]
#[command(name = "wire", max_term_width = 100)]
struct Options {
    /// The scenarios to run. By default all of them run.
    scenarios: Vec<String>,
    /// How many interleaved rounds each scenario has.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// How long the measured section of each run is.
    #[arg(long, default_value = "1s", value_parser = |text: &str| humantime::parse_duration(text))]
    section: Duration,
    /// Write every figure of every round to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// The push service answers with 80 bytes of JSON instead of an empty body.
    #[arg(long)]
    json_replies: bool,
    /// Send to the push service without TLS.
    #[arg(long)]
    plaintext: bool,
    /// Count write calls with strace and instructions with perf too, each in a run of its own.
    #[arg(long)]
    tools: bool,
    /// Run only this: concurrency 50, `ulimit -n 4096` and waves of 50, with a pool and with a connection per push.
    #[arg(long, conflicts_with_all = ["scenarios", "brief"])]
    seed_shape: bool,
    /// Run every scenario once, for a fraction of a second. Fails if a count that has no noise is out of bounds.
    #[arg(long, conflicts_with = "scenarios")]
    brief: bool,
    /// List the scenarios.
    #[arg(long)]
    list: bool,
    /// The role of a child process.
    #[arg(long, hide = true)]
    party: Option<String>,
    /// Cargo passes this flag.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if let Some(party) = &options.party {
        return be(serde_json::from_str(party)?);
    }
    if options.list {
        scenarios::all().iter().for_each(|it| println!("{:12} {}", it.name, it.about));
        return Ok(());
    }
    let (digest, frozen) = raw::digest();
    println!("raw parts {digest}{}", if frozen { "" } else { ": CHANGED since they were frozen" });
    if options.seed_shape {
        return seed_shape::run(&options.adapt(seed_shape::scenario()), options.rounds.into());
    }
    if options.brief {
        ensure!(frozen, "the raw parts are not what they were; their goals would mean something else");
        return brief::run();
    }
    let outcomes = options.chosen()?.iter().map(|it| measure(it, &options)).collect::<Result<Vec<_>, _>>()?;
    if let Some(file) = &options.json {
        let json = serde_json::json!({ "raw_parts": digest, "frozen": frozen, "scenarios": outcomes });
        std::fs::write(file, serde_json::to_vec_pretty(&json)?)
            .with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(())
}

fn measure(scenario: &Scenario, options: &Options) -> anyhow::Result<rounds::Outcome> {
    let outcome = rounds::run(scenario, options.rounds.into())?;
    report::print(&outcome);
    if options.tools {
        for (tool, what) in [(Tool::Strace, "write calls"), (Tool::Perf, "user instructions")] {
            if !tool.works() {
                println!("{what}: {tool:?} does not count here");
                continue;
            }
            for (label, spec) in scenario.runs.iter().filter(|(label, _)| outcome.runs.contains_key(label)) {
                println!("{what} per push, {label}: {}", report::short(run::traced(spec, tool)?));
            }
        }
    }
    Ok(outcome)
}

impl Options {
    fn chosen(&self) -> anyhow::Result<Vec<Scenario>> {
        let all = scenarios::all();
        for name in &self.scenarios {
            ensure!(all.iter().any(|it| it.name == name), "no scenario {name}; --list names them");
        }
        let chosen = all
            .into_iter()
            .filter(|it| self.scenarios.is_empty() || self.scenarios.iter().any(|name| it.name == name));
        Ok(chosen.map(|scenario| self.adapt(scenario)).collect())
    }

    fn adapt(&self, mut scenario: Scenario) -> Scenario {
        for (_, spec) in &mut scenario.runs {
            *spec = Spec {
                section: self.section,
                json: spec.json || self.json_replies,
                tls: spec.tls && !self.plaintext,
                ..spec.clone()
            };
        }
        scenario
    }
}

/// Runs as a party until its standard input closes.
fn be(start: Start) -> anyhow::Result<()> {
    let workers = if start.role == Role::Subject { start.spec.workers } else { 1 };
    child::run(workers, party(start))
}

async fn party(start: Start) -> anyhow::Result<Started> {
    match start.role {
        Role::Load => {
            let server = start.server.context("a load without a server")?;
            load::start(start.spec, server, start.admin, start.material.as_ref()).await
        }
        Role::Standin => standin::start(start.spec).await,
        Role::Subject => subject::start(start.spec, start.upstream, start.material).await,
    }
}
