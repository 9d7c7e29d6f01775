//! Serves `/v1/journal`.

use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::answer::{ControlAnswer, json_text, ok};
use super::context::ControlState;
use super::entry::EntryJson;
use super::input::Parameters;
use super::problem::Problem;
use crate::journal::{Page, Query, Stage};
use crate::service::Service;

/// How many entries a page has by default, and the most that a request may ask for.
const PAGE: usize = 100;
const MAX_PAGE: usize = 1000;

/// After how many bytes a page ends, however few entries it has: entries that keep their bodies are long.
const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// How long a request waits by default, and the longest that it may ask for.
const WAIT: Duration = Duration::from_secs(10);
const MAX_WAIT: Duration = Duration::from_secs(60);

/// The most entries that can be waited for, which is as many as a journal may have.
const MAX_WANTED: usize = 1_000_000;

const KNOWN: &str = "after, service, token, apns_id, stage, limit, wait, timeout";

pub(super) async fn read(State(control): ControlState, RawQuery(query): RawQuery) -> ControlAnswer {
    let mut parameters = Parameters::new(query.as_deref())?;
    let service = |name: String| {
        Service::try_from(name.clone()).map_err(|_| {
            Problem::field("service", &format!("{name:?}"), &Service::ALL.map(Service::name).join(", "))
        })
    };
    let query = Query {
        after: parameters.parse("after", "the number of an entry")?.unwrap_or_default(),
        service: parameters.text("service").map(service).transpose()?,
        token: parameters.text("token"),
        apns_id: parameters.parse::<Uuid>("apns_id", "a UUID")?,
        stage: stage(parameters.text("stage").as_deref())?,
    };
    let limit = parameters.number("limit", 1, MAX_PAGE)?.unwrap_or(PAGE);
    let wanted = parameters.number("wait", 1, MAX_WANTED)?;
    let timeout = parameters.duration("timeout", MAX_WAIT)?.unwrap_or(WAIT);
    parameters.done(KNOWN)?;

    let journal = &control.shared.journal;
    let reached = match wanted {
        None => true,
        Some(count) => {
            let full =
                |_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests wait for the journal");
            let _seat = control.waits.try_acquire().map_err(full)?;
            let waiting = journal.wait_for(&query, count, timeout);
            control.shared.stop.run_until_cancelled(waiting).await.is_some_and(|waited| waited.is_ok())
        }
    };
    Ok(written(&journal.page(&query, limit), query.after, reached, journal.dropped()))
}

fn stage(word: Option<&str>) -> Result<Stage, Problem> {
    match word {
        None | Some("arrived") => Ok(Stage::Arrived),
        Some("read") => Ok(Stage::Read),
        Some("settled") => Ok(Stage::Settled),
        Some(other) => Err(Problem::field("stage", &format!("{other:?}"), &"arrived, read or settled")),
    }
}

/// Writes each entry by itself, so that a page can end where it gets too long.
fn written(page: &Page, after: u64, reached: bool, dropped: u64) -> Response {
    let (mut text, mut last, mut more) = (Vec::from(b"{\"entries\":["), after, page.more);
    for entry in &page.entries {
        if text.len() > MAX_PAGE_BYTES {
            more = true;
            break;
        }
        if last != after {
            text.push(b',');
        }
        last = entry.order;
        text.extend(serde_json::to_vec(&EntryJson::from(entry)).unwrap_or_default());
    }
    let end = format!("],\"last\":{last},\"more\":{more},\"reached\":{reached},\"dropped\":{dropped}}}");
    text.extend_from_slice(end.as_bytes());
    json_text(StatusCode::OK, text)
}

pub(super) async fn clear(State(control): ControlState) -> ControlAnswer {
    ok(&json!({ "removed": control.shared.journal.take().len() }))
}
