//! Traces: the spans of calls, pushes and attempts, and their export by OTLP.
//!
//! Whether a call is traced is decided once, where it comes in (`sampling.rs`), before anything is allocated for it. A call that
//! is not traced has the disabled span, and so have its pushes and attempts: what they pay is a look at a constant. What is
//! recorded waits in a bounded queue (`queue.rs`), and a task sends it to the collector (`export.rs`). No push waits for either.
//!
//! ```text
//! traceparent ─▶ parent.rs ─▶ sampling.rs ─▶ spans.rs ─▶ queue.rs ─▶ export.rs ─▶ otlp/ ─▶ the collector
//! ```

mod counters;
mod environment;
mod export;
mod names;
mod otlp;
mod parent;
mod queue;
mod resource;
mod sampling;
mod settings;
mod spans;

use std::sync::{LazyLock, OnceLock};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, FilterFn, LevelFilter, filter_fn};
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

pub use environment::EnvironmentError;
pub(crate) use environment::{endpoint, secret_header};
pub use export::Exporting;
pub use otlp::OtlpError;
pub use settings::{TraceProtocol, TraceSettings};
pub(crate) use spans::{
    HttpCall, attempt, batch_item, ended, grpc_call, http_call, http_status, push, refused_push, resent,
    status,
};

pub(crate) use counters::SpanCounters;
use queue::Queue;
use sampling::Sampling;

/// The target of the spans that are exported. It tells them from the spans of the log.
pub(super) const TARGET: &str = "fanfare::trace";

/// How calls are sampled. The process has one subscriber and so one sampling; where it has none, nothing is traced.
static SAMPLING: OnceLock<Sampling> = OnceLock::new();

/// What became of spans. The process has one queue, because it has one subscriber.
static SPANS: LazyLock<SpanCounters> = LazyLock::new(SpanCounters::default);

/// Returns what became of spans.
#[must_use]
pub(crate) fn span_counters() -> SpanCounters {
    SPANS.clone()
}

/// Whether anything is traced at all.
#[must_use]
pub(crate) fn are_on() -> bool {
    SAMPLING.get().is_some()
}

/// Begins to export, and returns the layer that records spans. It is called in the runtime that exports.
///
/// # Errors
/// Fails if TLS cannot be set up.
pub(super) fn begin<S>(settings: &TraceSettings) -> Result<Option<(impl Layer<S>, Exporting)>, OtlpError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(endpoint) = &settings.endpoint else { return Ok(None) };
    let collector = otlp::Collector::new(endpoint, settings)?;
    let (queue, spans) = Queue::new(settings.max_queue, span_counters());
    // Whoever makes a span has decided that it is sampled.
    let provider =
        SdkTracerProvider::builder().with_span_processor(queue).with_sampler(Sampler::AlwaysOn).build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("fanfare"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_context_activation(false)
        .with_filter(spans_of_traces());
    let exporting = Exporting::start(collector, spans, settings, span_counters());
    let _ = SAMPLING.set(settings.sampling());
    Ok(Some((layer, exporting)))
}

/// Lets a filter of the log pass the spans of traces as well, whose fields stand in each line that is written within them.
pub(super) fn with_spans_of_traces<S>(
    filter: impl tracing_subscriber::layer::Filter<S> + 'static,
) -> impl tracing_subscriber::layer::Filter<S> {
    filter.or(spans_of_traces())
}

/// Passes the spans of traces, and nothing else. Without its hint of the level, every detail of every library would be looked at.
fn spans_of_traces() -> FilterFn<impl Fn(&Metadata<'_>) -> bool + Clone> {
    filter_fn(|metadata| metadata.is_span() && metadata.target() == TARGET)
        .with_max_level_hint(LevelFilter::INFO)
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::{Identity, SubscriberExt};
    use tracing_subscriber::{EnvFilter, registry};

    use super::*;

    #[test]
    fn the_spans_of_traces_pass_whatever_the_log_leaves_out_and_no_detail_is_looked_at() {
        for filter in ["off", "warn", "info"] {
            let lines = Identity::new().with_filter(with_spans_of_traces(EnvFilter::new(filter)));
            let spans = Identity::new().with_filter(spans_of_traces());
            let subscriber = registry().with(lines).with(spans);
            assert_eq!(subscriber.max_level_hint(), Some(LevelFilter::INFO), "{filter}");
            tracing::subscriber::with_default(subscriber, || {
                assert!(!tracing::info_span!(target: TARGET, "span").is_disabled(), "{filter}");
                assert!(!tracing::enabled!(target: TARGET, tracing::Level::DEBUG), "{filter}");
            });
        }
    }
}
