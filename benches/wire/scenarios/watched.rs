//! The scenario of those who watch: what it costs that pushes are traced, and that the status page is open.

use super::{Scenario, scenario, spec};
use crate::goal::Bound::{Least, Most};
use crate::goal::{Figure, ratio, value};
use crate::spec::Shape::{Stream, Unary};
use crate::spec::Subject::Gateway;
use crate::spec::{Shape, Spec, WatchedBy};

pub(super) fn watched() -> Scenario {
    let run = |shape: Shape, in_flight, watched_by| Spec { watched_by, ..spec(Gateway, shape, in_flight) };
    let unary = |watched_by| run(Unary, 50, watched_by);
    let stream = |watched_by| run(Stream(1), 1000, watched_by);
    let (traced, page) = (Most(1.05), Most(1.03));
    scenario(
        "watched",
        "one push in a hundred is traced, or the status page is open: by call, 50 in flight, and on a stream, 1,000",
        [
            ("unary", unary(WatchedBy::Nobody)),
            ("unary, traced", unary(WatchedBy::Collector)),
            ("unary, page", unary(WatchedBy::Page)),
            ("stream", stream(WatchedBy::Nobody)),
            ("stream, traced", stream(WatchedBy::Collector)),
            ("stream, page", stream(WatchedBy::Page)),
        ],
        [
            ratio("CPU: unary, traced ÷ not", Figure::Cpu, "unary, traced", &["unary"], traced),
            ratio("CPU: unary, page ÷ no page", Figure::Cpu, "unary, page", &["unary"], page),
            ratio("CPU: stream, traced ÷ not", Figure::Cpu, "stream, traced", &["stream"], traced),
            ratio("CPU: stream, page ÷ no page", Figure::Cpu, "stream, page", &["stream"], page),
            // A traced push is three spans. Those of the last second have not come yet.
            value("spans of 1,000 pushes, unary", Figure::Spans, "unary, traced", Least(10.0)),
            value("spans of 1,000 pushes, stream", Figure::Spans, "stream, traced", Least(10.0)),
        ],
    )
}
