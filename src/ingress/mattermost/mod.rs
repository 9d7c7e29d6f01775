//! The ingress of Mattermost servers, to which the gateway is their push proxy.
//!
//! A notification becomes a draft, and its result a push response, in the words of the real push proxy:
//!
//! ```text
//! bytes ── go_json, checks ──▶ notification ── apns, fcm, draft ──▶ the desk ── push_response ──▶ bytes
//!                                   └── forward ──▶ another push proxy ──────────────────────────────▲
//! ```
//!
//! Where it differs from the real proxy on purpose, docs/mattermost.md says so and why.

mod answers;
mod apns;
mod asked;
mod checks;
mod counters;
mod cut;
mod draft;
mod emoji;
mod escapes;
mod fcm;
mod forward;
mod go_json;
mod kind;
mod object;
mod platform;
mod push_response;
mod request;
mod said;
mod settings;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use fanfare_upstream::{Upstream, coarse_now};
use futures_util::future::{BoxFuture, FutureExt, ready};

pub(crate) use asked::Asked;
pub use platform::{PlatformApp, PlatformKind, Platforms};
pub use settings::{ForwardSettings, MattermostSettings};

use super::http::{Answer, Call, Refused};
use crate::caller::Denied;
use crate::desk::{NoRoom, Settled};
use crate::metrics::MattermostMetrics;
use counters::Counters;
use forward::Forward;
use kind::Kind;
use push_response::PushResponse;
use request::PushNotification;

/// How long a server is kept waiting. It gives up after 30 s, and then nobody learns what became of a push.
///
/// Source: a port of the server that names its line; the constant itself was not seen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(25);

/// This ingress on one listener.
pub(crate) struct Mattermost {
    platforms: Platforms,
    forward: Option<Forward>,
    counters: Counters,
}

/// What becomes of a notification that is no push of an app here.
enum Instead {
    /// It is answered at once.
    Answer(Option<Kind>, PushResponse),
    /// Another push proxy serves its platform.
    Forward,
}

impl Mattermost {
    /// The ingress by these settings. The push proxy that they forward to is a peer of `upstream`.
    pub(crate) fn new(
        settings: &MattermostSettings,
        upstream: &Upstream,
        metrics: &MattermostMetrics,
    ) -> Self {
        Self {
            platforms: settings.platforms.clone(),
            forward: settings.forward.as_ref().map(|settings| Forward::over(upstream, settings)),
            counters: Counters::of(metrics),
        }
    }

    /// Answers a call whose whole body is there. What is wrong with it is an answer as well.
    ///
    /// This function is not async, so the future of a call holds neither the call nor the notification while its push is sent.
    pub(crate) fn serve<'a>(&'a self, call: Call<'a>, asked: Asked, body: Bytes) -> BoxFuture<'a, Answer> {
        let answer = match asked {
            Asked::Push => match self.push(&call, &body) {
                Ok(submitted) => return submitted,
                Err(Instead::Answer(kind, response)) => self.answered(kind, response),
                Err(Instead::Forward) => return self.forward(call, body).boxed(),
            },
            Asked::Ack => answers::response(self.ack(&body)),
            Asked::Page | Asked::Version | Asked::Moved(_) => answers::fixed(asked),
        };
        ready(answer).boxed()
    }

    /// Answers a call that anybody may make, whose body is not read.
    pub(crate) fn tell(&self, asked: Asked) -> Answer {
        answers::fixed(asked)
    }

    /// Says in the form of this ingress why a call did not reach it. `asked` is none where it is not known what was asked for.
    pub(crate) fn refused(&self, asked: Option<Asked>, refused: &Refused) -> Answer {
        answers::refused(asked, refused)
    }

    /// Submits the push that a notification is, for the app of its platform.
    ///
    /// # Errors
    /// Fails with what becomes of it where it is none.
    fn push<'a>(&'a self, call: &Call<'a>, body: &[u8]) -> Result<BoxFuture<'a, Answer>, Instead> {
        let text = go_json::text(body);
        let failed = |kind, why: String| Instead::Answer(kind, PushResponse::Fail(why.into()));
        let mut notification = PushNotification::default();
        checks::notification(&text, &mut notification).map_err(|why| failed(None, why))?;
        let kind = Kind::of(&notification);
        let (app, version) = checks::app(&notification, &self.platforms);
        match app {
            Some(app) => {
                let held = (call.share.in_flight(body.len()), call.span.clone());
                let draft = draft::draft(&notification, kind, (app, version), coarse_now(), held);
                let submitted = call.desk.submit(&call.caller, draft, call.arrival(Some(PATIENCE)));
                Ok(submitted.map(move |submitted| self.submitted(kind, submitted)).boxed())
            }
            None if self.forward.is_some() => Err(Instead::Forward),
            None => Err(failed(Some(kind), checks::not_served(&notification))),
        }
    }

    fn submitted(&self, kind: Kind, submitted: Result<Settled, NoRoom>) -> Answer {
        let response = match submitted {
            Ok(settled) => PushResponse::of(settled.result),
            Err(why) => PushResponse::no_room(why),
        };
        self.answered(Some(kind), response)
    }

    fn answered(&self, kind: Option<Kind>, response: PushResponse) -> Answer {
        self.counters.push(kind, &response);
        answers::response(response)
    }

    /// Takes an acknowledgement. It goes nowhere else: it names no app, and all that a push proxy does with it is to count it.
    fn ack(&self, body: &[u8]) -> PushResponse {
        match checks::ack(&go_json::text(body)) {
            Ok(ack) => {
                self.counters.ack(&ack);
                PushResponse::Ok
            }
            Err(why) => PushResponse::Fail(why.into()),
        }
    }

    async fn forward(&self, call: Call<'_>, body: Bytes) -> Answer {
        let Some(forward) = &self.forward else { return self.tell(Asked::Push) };
        if let Err(wait) = call.caller.take_turn() {
            call.caller.note(Denied::Rate, "");
            return answers::response(PushResponse::no_room(NoRoom::OverRate(wait)));
        }
        let forwarded = forward.send(&call.caller, &call.headers, body, call.at + PATIENCE).await;
        self.counters.forward(&forwarded);
        forwarded.unwrap_or_else(|why| answers::response(PushResponse::Fail(why.to_string().into())))
    }
}
