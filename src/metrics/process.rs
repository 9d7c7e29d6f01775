//! Metrics of the process, by the names that Prometheus' own libraries give them. They are read when the page is asked for.
//!
//! prometheus-client has none, and the crates that have are made for other metrics libraries; what is read here is a few words
//! of three files.
//!
//! Sources: prometheus.io, "Writing client libraries", Process metrics; proc_pid_stat(5), proc_stat(5).

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

/// Shows the process. What cannot be read is left out.
#[derive(Debug)]
pub(super) struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut show =
            |name, help, unit: Option<Unit>, metric: &dyn Shown| metric.show(&mut encoder, name, help, unit);
        let stat = fs::read_to_string("/proc/self/stat").ok().and_then(|text| Stat::read(&text));
        if let Some(Stat { cpu_ticks, started_ticks, resident_pages }) = stat {
            let seconds = |ticks: u64| ticks as f64 / clock_ticks_per_second() as f64;
            let help = "Processor time that the process has used, in user and system mode";
            show("process_cpu", help, Some(Unit::Seconds), &ConstCounter::new(seconds(cpu_ticks)))?;
            let resident = ConstGauge::new(signed(resident_pages.saturating_mul(page_size() as u64)));
            show(
                "process_resident_memory",
                "Memory of the process that lies in RAM",
                Some(Unit::Bytes),
                &resident,
            )?;
            let booted = fs::read_to_string("/proc/stat").ok().and_then(|text| boot_time(&text));
            if let Some(booted) = booted {
                let started = ConstGauge::new(booted as f64 + seconds(started_ticks));
                let help = "When the process began, since the Unix epoch";
                show("process_start_time", help, Some(Unit::Seconds), &started)?;
            }
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // The directory that is read is open as well.
            let open = ConstGauge::new(signed(open.count().saturating_sub(1) as u64));
            show("process_open_fds", "File descriptors that the process has open", None, &open)?;
        }
        // The largest number stands for no limit.
        let most = getrlimit(Resource::Nofile).current.map_or(i64::MAX, signed);
        show(
            "process_max_fds",
            "File descriptors that the process may have open",
            None,
            &ConstGauge::new(most),
        )
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A metric of one sample.
trait Shown {
    fn show(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        unit: Option<Unit>,
    ) -> fmt::Result;
}

impl<M: EncodeMetric> Shown for M {
    fn show(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        unit: Option<Unit>,
    ) -> fmt::Result {
        self.encode(encoder.encode_descriptor(name, help, unit.as_ref(), self.metric_type())?)
    }
}

/// What `/proc/self/stat` says.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    cpu_ticks: u64,
    /// It is counted from the start of the machine.
    started_ticks: u64,
    resident_pages: u64,
}

impl Stat {
    /// The name of the program may hold anything, so that the fields are counted from behind it: the first is the third one.
    fn read(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_ticks: field(14)?.saturating_add(field(15)?),
            started_ticks: field(22)?,
            resident_pages: field(24)?,
        })
    }
}

/// When the machine was started, in seconds since the Unix epoch.
fn boot_time(stat: &str) -> Option<u64> {
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_whatever_the_program_is_called() {
        let rest = "S 1 2 3 0 -1 4194560 100 0 0 0 70 5 0 0 20 0 9 0 12345 99999 321 18446744073709551615";
        for name in ["fanfare", "a) b (c) 1 2 3"] {
            let stat = Stat::read(&format!("4711 ({name}) {rest}\n"));
            assert_eq!(stat, Some(Stat { cpu_ticks: 75, started_ticks: 12345, resident_pages: 321 }));
        }
        for text in ["", "1 (a", "1 (a) S 1 2", "1 (a) S a b c d e f g h i j k l m n o p q r s t u v"] {
            assert_eq!(Stat::read(text), None, "{text}");
        }
        assert_eq!(boot_time("cpu 1 2\nbtime 1700000000\nprocesses 1\n"), Some(1_700_000_000));
        assert_eq!(boot_time("btime\n"), None);
    }
}
