//! The rows of `[traces]`. The process has one subscriber, which is set at the start.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::row::{Row, after_restart};
use crate::telemetry::TraceSettings;

pub(super) fn of_traces(traces: &TraceSettings, rows: &mut Vec<Row>) {
    let TraceSettings {
        endpoint,
        protocol,
        headers,
        sample_ratio,
        // The configuration does not say it: it comes of a variable, which does not change while the gateway runs.
        follows_parent: _,
        service_name,
        max_queue,
        max_batch,
        batch_delay,
        timeout,
        roots,
    } = traces;
    rows.extend([
        after_restart("traces.endpoint", endpoint),
        after_restart("traces.protocol", protocol),
        after_restart(
            "traces.headers_file",
            &digest(headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))),
        ),
        // Who exports nothing uses no certificate, so that new ones for the push services need no restart.
        after_restart(
            "traces.ca_files",
            &endpoint.as_ref().map(|_| {
                digest(roots.roots.iter().map(|root| (&*root.subject, &*root.subject_public_key_info)))
            }),
        ),
        after_restart("traces.sample_ratio", sample_ratio),
        after_restart("traces.service_name", service_name),
        after_restart("traces.max_queue", max_queue),
        after_restart("traces.max_batch", max_batch),
        after_restart("traces.batch_delay", batch_delay),
        after_restart("traces.timeout", timeout),
    ]);
}

/// Tells values apart that are not to be shown, or are long.
fn digest<T: Hash>(values: impl Iterator<Item = T>) -> u64 {
    let mut hasher = DefaultHasher::new();
    values.for_each(|value| value.hash(&mut hasher));
    hasher.finish()
}
