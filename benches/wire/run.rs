//! Runs a spec once: starts the parties, measures a section, and waits for every answer.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Serialize;

use super::callers::Material;
use super::child::{Counts, Section, Whole};
use super::party::Party;
use super::process;
use super::spec::{Role, Spec, Start, Upstream};
use super::tools::Tool;

/// The figures of a run.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Figures {
    pub(crate) section: Section,
    pub(crate) whole: Whole,
    pub(crate) answers_per_second: f64,
    /// CPU microseconds per completed push, of each party.
    pub(crate) subject_us: f64,
    pub(crate) load_us: Option<f64>,
    pub(crate) standin_us: Option<f64>,
    /// The memory of the subject, before the load came and at its peak.
    pub(crate) memory_before_kib: u64,
    pub(crate) memory_peak_kib: u64,
    /// The open descriptors of the subject, at the end of the section.
    pub(crate) descriptors: u64,
    /// The connections at the stand-in, at the end of the section.
    pub(crate) connections: Option<u64>,
    pub(crate) upstream_in_flight: Option<u64>,
    /// The spans that the collector took, over the whole life of the subject.
    pub(crate) spans: Option<u64>,
    /// The counts over the whole life of the subject.
    pub(crate) sockets_per_1000: Option<f64>,
    /// How often the subject wrote to its upstream sockets, per push.
    pub(crate) upstream_writes: Option<f64>,
    pub(crate) allocations: Option<f64>,
    /// How often the whole subject wrote to sockets per push, by strace.
    pub(crate) write_calls: Option<f64>,
    /// How many instructions of the subject ran in user space per push, by perf.
    pub(crate) instructions: Option<f64>,
}

struct Parties {
    standin: Option<Party>,
    subject: Party,
    load: Option<Party>,
}

/// The CPU time and the counts of every party at one moment.
#[derive(Default)]
struct Sample {
    cpu: BTreeMap<&'static str, u64>,
    subject: Counts,
    standin: Counts,
}

impl Parties {
    fn start(spec: &Spec) -> anyhow::Result<(Self, u64)> {
        let material = spec.needs_material().then(Material::new).transpose()?;
        let start = |role, upstream: Option<&Upstream>, server: Option<&Party>| {
            let (spec, material, upstream) = (spec.clone(), material.clone(), upstream.cloned());
            let (server, admin) = (server.map(|it| it.port), server.and_then(|it| it.also));
            Party::start(&Start { role, spec, upstream, server, admin, material })
        };
        let standin = spec.subject.needs_standin().then(|| start(Role::Standin, None, None)).transpose()?;
        let upstream = standin.as_ref().map(|party| Upstream {
            port: party.port,
            collector: party.also,
            ca: party.ca.clone(),
        });
        let subject = start(Role::Subject, upstream.as_ref(), None)?;
        let (memory, _) = process::memory_kib(subject.id())?;
        let load = spec.subject.serves().then(|| start(Role::Load, None, Some(&subject))).transpose()?;
        Ok((Self { standin, subject, load }, memory))
    }

    fn driver(&mut self) -> &mut Party {
        self.load.as_mut().unwrap_or(&mut self.subject)
    }

    fn sample(&mut self) -> anyhow::Result<Sample> {
        let mut sample = Sample::default();
        sample.cpu.insert("subject", process::cpu_ns(self.subject.id())?);
        for (name, party) in [("load", &self.load), ("standin", &self.standin)] {
            if let Some(party) = party {
                sample.cpu.insert(name, process::cpu_ns(party.id())?);
            }
        }
        sample.subject = self.subject.counts()?;
        if let Some(standin) = &mut self.standin {
            sample.standin = standin.counts()?;
        }
        Ok(sample)
    }
}

/// Runs a spec once.
pub(crate) fn run(spec: &Spec) -> anyhow::Result<Figures> {
    measured(spec).with_context(|| format!("{spec:?}"))
}

fn measured(spec: &Spec) -> anyhow::Result<Figures> {
    let (mut parties, memory_before_kib) = Parties::start(spec)?;
    let within = spec.longest();
    parties.driver().begun(within)?;
    let before = parties.sample()?;
    let section = parties.driver().ended(within)?;
    let after = parties.sample()?;
    let id = parties.subject.id();
    let descriptors = process::descriptors(id)?;
    let whole = parties.driver().drained(within)?;
    let (_, memory_peak_kib) = process::memory_kib(id)?;

    let completed = section.completed.max(1) as f64;
    let cpu = |name| {
        let used = after.cpu.get(name)?.saturating_sub(*before.cpu.get(name)?);
        Some(used as f64 / 1e3 / completed)
    };
    let grown = |name: &str| {
        let grown = after.subject.get(name)?.saturating_sub(*before.subject.get(name)?);
        Some(grown as f64 / completed)
    };
    let sockets =
        after.standin.get("sockets").map(|sockets| *sockets as f64 * 1e3 / whole.sent.max(1) as f64);
    Ok(Figures {
        answers_per_second: section.completed as f64 / section.seconds,
        subject_us: cpu("subject").unwrap_or_default(),
        load_us: cpu("load"),
        standin_us: cpu("standin"),
        memory_before_kib,
        memory_peak_kib,
        descriptors,
        connections: after.standin.get("connections").copied(),
        upstream_in_flight: after.standin.get("in_flight").copied(),
        spans: after.standin.get("spans").copied(),
        sockets_per_1000: sockets,
        upstream_writes: grown("writes"),
        allocations: grown("allocations"),
        write_calls: None,
        instructions: None,
        section,
        whole,
    })
}

/// Counts with a tool, in a run of its own. Returns the count per push.
pub(crate) fn traced(spec: &Spec, tool: Tool) -> anyhow::Result<f64> {
    let (mut parties, _) = Parties::start(spec)?;
    let within = spec.longest();
    parties.driver().begun(within)?;
    let attached = tool.attach(parties.subject.id())?;
    let completed = |parties: &mut Parties| {
        anyhow::Ok(parties.driver().counts()?.get("completed").copied().unwrap_or_default())
    };
    let before = completed(&mut parties)?;
    parties.driver().ended(within)?;
    let after = completed(&mut parties)?;
    let count = attached.detach()?;
    Ok(count as f64 / (after - before).max(1) as f64)
}
