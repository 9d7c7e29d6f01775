//! The goals of a scenario: a figure of a run, or a ratio of runs, and its bounds.

use super::run::Figures;
use super::spec::{Spec, Subject};

/// A figure of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figure {
    /// The CPU time of the subject per push.
    Cpu,
    /// The median latency.
    P50,
    /// Upstream write calls per push.
    Writes,
    /// How much memory the load added at its peak, per push in flight, in KiB.
    Memory,
    /// The rate of completed pushes, as a share of connections × streams / latency.
    Share,
    Descriptors,
    /// How many of 1,000 pushes were not accepted.
    Lost,
    /// Sockets opened upstream, per 1,000 pushes.
    Sockets,
    Allocations,
    /// Spans that a collector took, of 1,000 pushes.
    Spans,
}

impl Figure {
    /// The value of the figure, if the run has one.
    pub(crate) fn of(self, spec: &Spec, figures: &Figures) -> Option<f64> {
        match self {
            Self::Cpu => Some(figures.subject_us),
            Self::P50 => Some(figures.section.p50_us),
            Self::Writes => figures.upstream_writes,
            Self::Memory => {
                let grown = figures.memory_peak_kib.saturating_sub(figures.memory_before_kib);
                Some(grown as f64 / spec.in_flight as f64)
            }
            Self::Share => {
                // A connection per push has as many streams as it has pushes in flight.
                let streams = match spec.subject {
                    Subject::Fresh | Subject::FreshGateway => spec.in_flight as f64,
                    Subject::Gateway
                    | Subject::Echo
                    | Subject::HyperEcho
                    | Subject::H2Loop
                    | Subject::HyperUtil
                    | Subject::Pushy => figures.connections? as f64 * f64::from(spec.max_streams),
                };
                Some(figures.answers_per_second * spec.latency.as_secs_f64() / streams)
            }
            Self::Descriptors => Some(figures.descriptors as f64),
            Self::Lost => Some(figures.whole.lost() as f64 * 1e3 / figures.whole.sent.max(1) as f64),
            Self::Sockets => figures.sockets_per_1000,
            Self::Allocations => figures.allocations,
            Self::Spans => Some(figures.spans? as f64 * 1e3 / figures.whole.sent.max(1) as f64),
        }
    }
}

/// The bounds of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    Most(f64),
    Least(f64),
    /// There are none: the value is told for comparison.
    Told,
}

impl Bound {
    pub(crate) fn holds(self, value: f64) -> Option<bool> {
        match self {
            Self::Most(most) => Some(value <= most),
            Self::Least(least) => Some(value >= least),
            Self::Told => None,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Most(most) => write!(f, "at most {most}"),
            Self::Least(least) => write!(f, "at least {least}"),
            Self::Told => Ok(()),
        }
    }
}

/// A figure of the run `over`, divided by its sum over the runs `under` if there are any.
#[derive(Debug, Clone)]
pub(crate) struct Goal {
    pub(crate) text: &'static str,
    pub(crate) figure: Figure,
    pub(crate) over: &'static str,
    pub(crate) under: &'static [&'static str],
    pub(crate) bound: Bound,
}

pub(crate) fn ratio(
    text: &'static str,
    figure: Figure,
    over: &'static str,
    under: &'static [&'static str],
    bound: Bound,
) -> Goal {
    Goal { text, figure, over, under, bound }
}

pub(crate) fn value(text: &'static str, figure: Figure, over: &'static str, bound: Bound) -> Goal {
    Goal { text, figure, over, under: &[], bound }
}
