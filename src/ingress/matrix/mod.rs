//! The ingress of Matrix homeservers, to which the gateway is a push gateway: they hand in events, and are told which pushers to
//! delete.
//!
//! - `asked.rs` is where they call, `request.rs` what they send, `answer.rs` what they are answered, `bad_request.rs` what is not
//!   understood.
//! - `apps.rs` finds the app of an `app_id`, with `glob.rs` for its patterns.
//! - `draft.rs` makes a draft for each device: `content/` says the event as apps read it, `target.rs` reads the pushkey.
//! - `fate.rs` says what a homeserver is to do by the verdict on a push; `notify.rs` joins all of it.
//!
//! Homeservers repeat what was not answered well: after 1, 2, 4 … seconds, for a day, and all later pushes of the user wait
//! behind it. So a status other than 200 is kept for what a repeat can mend, and an event that is repeated is known by its
//! `once` (`desk/once`). Source: Synapse 1.163.2, `synapse/push/httppusher.py`, and its behaviour as it was recorded.

mod answer;
mod apps;
mod asked;
mod bad_request;
mod content;
mod counters;
mod draft;
mod fate;
mod glob;
mod notify;
mod object;
mod request;
mod settings;
mod target;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::StatusCode;

pub use apps::{ApnsDialect, Dialect, FcmDialect, MatrixApp, MatrixApps, Overlap, WebPushDialect};
pub(crate) use asked::Asked;
pub use glob::Glob;
pub use settings::{MatrixSettings, UnknownApp};

use super::http::{self as listener, Answer, Call, Refused};
use crate::metrics::MatrixMetrics;
use counters::Counters;

/// This ingress on one listener.
pub(crate) struct Matrix {
    settings: MatrixSettings,
    counters: Counters,
}

impl Matrix {
    pub(crate) fn new(settings: &MatrixSettings, metrics: &MatrixMetrics) -> Self {
        Self { settings: settings.clone(), counters: Counters::of(metrics) }
    }

    /// Answers a call whose whole body is there. What is wrong with it is an answer as well.
    pub(crate) async fn serve(&self, call: Call<'_>, asked: Asked, body: Bytes) -> Answer {
        match asked {
            Asked::Notify => self.notify(&call, body).await.answer(),
            Asked::Discovery | Asked::Health => self.tell(asked),
        }
    }

    /// Answers a call that anybody may make, whose body is not read.
    pub(crate) fn tell(&self, asked: Asked) -> Answer {
        match asked {
            Asked::Discovery => answer::discovered(),
            Asked::Health => listener::answer(StatusCode::OK, "text/plain; charset=utf-8", ""),
            Asked::Notify => answer::refused(&Refused::NotFound),
        }
    }

    /// Says in the form of this ingress why a call did not reach it.
    pub(crate) fn refused(&self, _asked: Option<Asked>, refused: &Refused) -> Answer {
        answer::refused(refused)
    }
}
