//! One request to the receiver of a feed, and what its answer means.
//!
//! Source: Standard Webhooks specification 1.0.0, "Webhook headers" and "Response status codes".

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use fanfare_upstream::{
    Fields, Flow, InFlight, Indexing, InvalidField, InvalidPath, NoAnswerCause, PeerPool, Request,
    Unanswered, Unsent, UpstreamError,
};
use http::{Method, StatusCode};
use tokio::time::Instant;

use super::batch::Batch;
use super::settings::FeedSettings;
use super::signature::signatures;
use crate::provider::retry_after;

/// How many requests may be under way: one, and those that were given up and whose connection still waits for an answer.
const MAX_UNDER_WAY: usize = 4;

const USER_AGENT: &str = concat!("fanfare/", env!("CARGO_PKG_VERSION"));

/// The receiver of a feed, as one configuration names it.
pub(crate) struct Receiver {
    pub(super) settings: FeedSettings,
    pool: PeerPool,
    under_way: Arc<InFlight>,
}

/// What an answer means for its batch.
pub(super) enum Taken {
    /// The receiver has it.
    Yes,
    /// It is sent again.
    NotYet { why: Problem, asked: Option<Duration> },
    /// It will never be taken.
    Never(Problem),
    /// Nothing is wanted there any more.
    Gone(Problem),
}

/// Why a batch was not taken, and what an operator does about it.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) why: String,
    pub(super) remedy: &'static str,
}

#[derive(Debug, thiserror::Error)]
enum NoRequest {
    #[error(transparent)]
    Path(#[from] InvalidPath),
    #[error(transparent)]
    Field(#[from] InvalidField),
}

impl Receiver {
    /// `pool` is that of the peer in the settings.
    pub(crate) fn new(settings: FeedSettings, pool: PeerPool) -> Self {
        Self { settings, pool, under_way: Arc::default() }
    }

    /// Sends a batch once.
    pub(super) async fn post(&self, batch: &Batch) -> Taken {
        let request = match self.request(batch, SystemTime::now()) {
            Ok(request) => request,
            // The configuration was read with this very path, so only a bug comes here.
            Err(error) => return Taken::Never(Problem { why: error.to_string(), remedy: URL }),
        };
        let Some(share) = self.under_way.begin(MAX_UNDER_WAY) else {
            return again("it has not answered earlier requests yet".to_owned(), SLOW);
        };
        let asked = async {
            let permit = self.pool.permit(Flow::SINGLE, Instant::now() + self.settings.timeout).await?;
            permit.exchange(request.clone(), || Some(request.clone()), &share).await
        };
        match asked.await {
            Ok(answer) => {
                // How long a receiver that fails is left alone is the feed's own affair, so its pool is told that it answers.
                answer.succeeded();
                judge(answer.reply.status, &answer.reply.fields)
            }
            // The status decides, so it does not matter whether the body came whole or was too large.
            Err(UpstreamError::Unanswered(Unanswered { head: Some(head), .. })) => {
                judge(head.status, &head.fields)
            }
            Err(UpstreamError::Unanswered(unanswered)) => match unanswered.cause {
                NoAnswerCause::Deadline | NoAnswerCause::AnswerTimeout => {
                    again(format!("it did not answer in feed.timeout ({:?})", self.settings.timeout), SLOW)
                }
                NoAnswerCause::Reset(_) | NoAnswerCause::ConnectionLost | NoAnswerCause::Unreadable => {
                    again(unanswered.to_string(), WAY)
                }
            },
            Err(UpstreamError::Unsent(Unsent::BreakerOpen(left))) => Taken::NotYet {
                why: Problem { why: left.peer.to_string(), remedy: WAY },
                asked: Some(left.retry_after),
            },
            // The gateway ends, and with it the worker in a moment; the receiver is not at fault.
            Err(UpstreamError::Unsent(Unsent::ShuttingDown)) => std::future::pending().await,
            Err(UpstreamError::Unsent(unsent)) => again(unsent.to_string(), WAY),
        }
    }

    fn request(&self, batch: &Batch, now: SystemTime) -> Result<Request, NoRequest> {
        let Batch { id, body, .. } = batch;
        let timestamp = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let signatures = signatures(&self.settings.secrets, id, timestamp, body);
        let mut request = Request::new(&Method::POST, &[&self.settings.path], Bytes::clone(body))?;
        request.push("content-type", "application/json", Indexing::Repeats)?;
        request.push("user-agent", USER_AGENT, Indexing::Repeats)?;
        request.push("webhook-id", id, Indexing::Varies)?;
        request.push_number("webhook-timestamp", timestamp, Indexing::Varies)?;
        request.push("webhook-signature", signatures, Indexing::Varies)?;
        Ok(request)
    }
}

const URL: &str = "Check feed.url: the receiver knows no such path, or not this kind of request.";
const WAY: &str =
    "Check where feed.url leads and the way there: name, certificate (feed.ca_files), firewall and proxy.";
const SLOW: &str = "Let the receiver answer 2xx as soon as it has stored the events, or raise feed.timeout.";
const THEIRS: &str = "Look at the receiver's own log. The events wait, and are sent again.";

fn again(why: String, remedy: &'static str) -> Taken {
    Taken::NotYet { why: Problem { why, remedy }, asked: None }
}

fn judge(status: StatusCode, fields: &Fields) -> Taken {
    let why = format!("it answers {}", status.as_u16());
    let asked = || retry_after(fields, SystemTime::now());
    match status {
        status if status.is_success() => Taken::Yes,
        // Source: the specification has senders stop at 410.
        StatusCode::GONE => {
            let remedy =
                "Remove the feed, or correct feed.url. It begins again when the configuration is read again.";
            Taken::Gone(Problem { why, remedy })
        }
        StatusCode::REQUEST_TIMEOUT => Taken::NotYet { why: Problem { why, remedy: SLOW }, asked: asked() },
        StatusCode::TOO_MANY_REQUESTS => {
            Taken::NotYet { why: Problem { why, remedy: THEIRS }, asked: asked() }
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let remedy =
                "Check that the receiver knows the secret in feed.secret_file, and that its clock is right.";
            Taken::Never(Problem { why, remedy })
        }
        StatusCode::PAYLOAD_TOO_LARGE => Taken::Never(Problem {
            why,
            remedy: "Lower feed.batch_max, or let the receiver take larger requests.",
        }),
        status if status.is_client_error() => Taken::Never(Problem { why, remedy: URL }),
        status if status.is_redirection() => {
            let remedy = "Name the URL that it leads to in feed.url; no redirect is followed.";
            Taken::NotYet { why: Problem { why, remedy }, asked: None }
        }
        _ => Taken::NotYet { why: Problem { why, remedy: THEIRS }, asked: asked() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_a_batch_is_sent_again() {
        let of = |status: u16| match judge(StatusCode::from_u16(status).unwrap(), &Fields::default()) {
            Taken::Yes => "yes",
            Taken::NotYet { .. } => "not yet",
            Taken::Never(_) => "never",
            Taken::Gone(_) => "gone",
        };
        for (statuses, expected) in [
            (&[200, 202, 204, 299][..], "yes"),
            (&[301, 302, 307, 308, 408, 429, 500, 502, 503, 504, 599], "not yet"),
            (&[400, 401, 403, 404, 405, 413, 422, 451], "never"),
            (&[410], "gone"),
        ] {
            statuses.iter().for_each(|status| assert_eq!(of(*status), expected, "{status}"));
        }
    }
}
