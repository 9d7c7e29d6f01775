//! Which calls are traced.

use super::parent::Parent;

/// Which calls are traced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sampling {
    /// The share of calls whose caller decides nothing, from 0 to 1.
    pub(super) ratio: f64,
    /// Whether the caller's decision holds where it made one.
    pub(super) follows_parent: bool,
}

impl Sampling {
    /// Whether a call is traced. Nothing is allocated for it before this.
    pub(super) fn takes(self, parent: Option<&Parent>) -> bool {
        match parent {
            Some(parent) if self.follows_parent => parent.is_sampled,
            // Services that decide by the number of the trace decide alike. Source: opentelemetry_sdk, sampler.rs, which does as
            // the SDKs of other languages do.
            Some(parent) => {
                let [.., a, b, c, d, e, f, g, h] = parent.trace.to_bytes();
                let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 1;
                number < (self.ratio * (1_u64 << 63) as f64) as u64
            }
            None => self.draw(),
        }
    }

    /// Whether something is traced that begins a trace of its own.
    pub(super) fn draw(self) -> bool {
        fastrand::f64() < self.ratio
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanId, TraceId};

    use super::*;

    fn parent(trace: u128, is_sampled: bool) -> Parent {
        Parent { trace: TraceId::from(trace), span: SpanId::from(1), is_sampled }
    }

    #[test]
    fn the_callers_decision_holds_and_else_the_ratio() {
        let none = Sampling { ratio: 0.0, follows_parent: true };
        let all = Sampling { ratio: 1.0, follows_parent: true };
        assert!(none.takes(Some(&parent(1, true))));
        assert!(!all.takes(Some(&parent(1, false))));
        assert!((0..1000).all(|_| all.takes(None) && !none.takes(None)));
    }

    #[test]
    fn without_the_callers_decision_the_number_of_its_trace_decides() {
        let half = Sampling { ratio: 0.5, follows_parent: false };
        for (number, taken) in [(0, true), ((1 << 63) - 1, true), (1 << 63, false), (u128::MAX, false)] {
            for is_sampled in [false, true] {
                assert_eq!(half.takes(Some(&parent(number, is_sampled))), taken, "{number:x}");
            }
        }
    }
}
