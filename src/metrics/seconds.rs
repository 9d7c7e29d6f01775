//! Histograms of durations.

use prometheus_client::metrics::histogram::Histogram;

/// The upper bounds of every histogram, in seconds, from a millisecond to about a minute.
const SECONDS: [f64; 16] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0];

/// Makes a histogram of seconds.
pub(super) fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}
