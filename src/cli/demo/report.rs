//! Compares what came of the demo's pushes with its plan, and prints the result.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use fanfare_simulator::Simulator;
use owo_colors::{OwoColorize, Stream};
use serde_json::json;

use super::plan::{self, Service};
use super::send::{Sending, SentPush};
use crate::proto;

/// How many mismatches are shown. Further ones are only counted.
const SHOWN: usize = 10;

/// The figures of a demo, and its mismatches.
pub(super) struct Report {
    rows: BTreeMap<(Service, &'static str, &'static str), usize>,
    streamed: (usize, Duration),
    single: (usize, Duration),
    p50: Duration,
    p99: Duration,
    connections: u64,
    arrived: u64,
    mismatches: Vec<String>,
}

impl Report {
    pub(super) fn new(streamed: &Sending, single: &Sending, simulator: &Simulator) -> Self {
        let mut rows = BTreeMap::new();
        let mut mismatches = Vec::new();
        // How often each request arrived, by its digest.
        let mut arrived: HashMap<[u8; 32], usize> = HashMap::new();
        for entry in simulator.journal().entries() {
            if &*entry.path == plan::TOKEN_PATH {
                continue;
            }
            match entry.read {
                Some(reading) => *arrived.entry(reading.digest).or_default() += 1,
                None => mismatches.push(format!("a request for {} arrived in part", entry.path)),
            }
        }
        for push in streamed.sent.iter().chain(&single.sent) {
            let kind = push.planned.kind();
            let outcome = match &push.result {
                Ok(result) => name(result.outcome()),
                Err(status) => {
                    mismatches.push(format!("{}: the call failed: {status}", push.planned.id()));
                    "call failed"
                }
            };
            *rows.entry((kind.service, kind.name, outcome)).or_default() += 1;
            mismatches.extend(mismatch(push));
            match arrived.remove(&push.planned.digest()) {
                Some(1) => {}
                Some(times) => mismatches.push(format!("{} arrived {times} times", push.planned.id())),
                None => mismatches.push(format!("{} did not arrive as it was asked", push.planned.id())),
            }
        }
        for times in arrived.values() {
            mismatches.push(format!("a request that nobody asked for arrived {times} times"));
        }
        let mut times = single.calls.clone();
        times.sort_unstable();
        let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        let counters = simulator.counters();
        Self {
            rows,
            streamed: (streamed.sent.len(), streamed.took),
            single: (single.sent.len(), single.took),
            p50: at(50),
            p99: at(99),
            connections: counters.connections_opened,
            arrived: counters.requests_arrived,
            mismatches,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        self.mismatches.is_empty()
    }

    /// The same for machines, with all mismatches.
    pub(super) fn as_json(&self) -> serde_json::Value {
        let targets = self.rows.iter().map(|((service, target, outcome), pushes)| {
            json!({ "push_service": service.name(), "target": target, "outcome": outcome, "pushes": pushes })
        });
        let way =
            |(pushes, took): (usize, Duration)| json!({ "pushes": pushes, "seconds": took.as_secs_f64() });
        json!({
            "good": self.is_true(),
            "targets": targets.collect::<Vec<_>>(),
            "stream": way(self.streamed),
            "calls": way(self.single),
            "p50_seconds": self.p50.as_secs_f64(),
            "p99_seconds": self.p99.as_secs_f64(),
            "requests": self.arrived,
            "connections": self.connections,
            "mismatches": self.mismatches,
        })
    }
}

/// Compares the verdict that the caller got with the one that the target must give.
fn mismatch(push: &SentPush) -> Option<String> {
    let (kind, result) = (push.planned.kind(), push.result.as_ref().ok()?);
    let told = (result.outcome(), result.token_action(), result.id == push.planned.id());
    if told == (kind.outcome, kind.token_action, true) {
        return None;
    }
    Some(format!(
        "{}: a {} token of {} got {} with {:?}: {}",
        push.planned.id(),
        kind.name,
        kind.service.name(),
        name(result.outcome()),
        result.token_action(),
        result.detail
    ))
}

fn name(outcome: proto::Outcome) -> &'static str {
    outcome.as_str_name().trim_start_matches("OUTCOME_")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(["push service", "target", "outcome", "pushes"]);
        for ((service, kind, outcome), count) in &self.rows {
            let count = count.to_string();
            table.add_row([service.name(), kind, outcome, count.as_str()]);
        }
        if let Some(column) = table.column_mut(3) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(f, "{table}\n")?;
        let rate = |(sent, took): (usize, Duration)| sent as f64 / took.as_secs_f64();
        writeln!(f, "SendBatch {:>7.0} pushes/s, one stream", rate(self.streamed))?;
        if self.single.0 > 0 {
            let (p50, p99) = (self.p50, self.p99);
            writeln!(
                f,
                "SendPush  {:>7.0} pushes/s beside it, p50 {p50:.1?}, p99 {p99:.1?}",
                rate(self.single)
            )?;
        }
        writeln!(
            f,
            "{} requests on {} connections to push services; a connection for each push would have been {}\n",
            self.arrived,
            self.connections,
            self.streamed.0 + self.single.0
        )?;
        if self.is_true() {
            let all = "every push got the outcome of its target, and arrived as it was asked, once";
            return write!(f, "{}", all.if_supports_color(Stream::Stdout, |text| text.green()));
        }
        let head = format!("{} mismatches:", self.mismatches.len());
        write!(f, "{}", head.if_supports_color(Stream::Stdout, |text| text.red()))?;
        for line in self.mismatches.iter().take(SHOWN) {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}
