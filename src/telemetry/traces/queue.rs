//! The spans that wait to be exported. Nobody waits for room: a span that finds none is dropped and counted.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tokio::sync::mpsc;

use super::counters::SpanCounters;

/// The end of the queue where spans come in.
#[derive(Debug)]
pub(super) struct Queue {
    spans: mpsc::Sender<SpanData>,
    counters: SpanCounters,
}

impl Queue {
    /// A queue with room for so many spans, and the end where they are taken out.
    pub(super) fn new(most: usize, counters: SpanCounters) -> (Self, mpsc::Receiver<SpanData>) {
        let (spans, taken) = mpsc::channel(most);
        (Self { spans, counters }, taken)
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.spans.try_send(span).is_err() {
            self.counters.dropped.inc();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
