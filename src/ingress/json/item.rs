//! A push as JSON becomes a draft.

use fanfare_upstream::coarse_now;
use http::StatusCode;
use prost::Message;
use serde::Deserialize;

use super::mistake::Mistake;
use super::problem::Problem;
use super::schema::{self, Schema};
use crate::desk::Draft;
use crate::held_bytes::BytesShare;
use crate::ingress::contract;
use crate::proto;
use crate::push::{Reason, Refusal};

/// Reads a push. It is of the default app where it names none.
pub(super) fn push(
    schema: &Schema,
    json: &str,
    default_app: &str,
    share: &BytesShare,
) -> Result<Draft, Mistake> {
    let bytes = schema::read(&schema.push, json)?;
    let push = proto::Push::decode(bytes.as_slice()).map_err(|error| Mistake::of_whole(error.to_string()))?;
    Ok(contract::push(push, default_app, coarse_now(), share.in_flight(bytes.len())))
}

/// Fails where a push is too large to be read.
pub(super) fn bounded(found: usize, most: usize) -> Result<(), Problem> {
    if found <= most {
        return Ok(());
    }
    let detail = too_large(found, most);
    Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, Some(Reason::FieldTooLarge), detail))
}

fn too_large(found: usize, most: usize) -> String {
    format!("expected a push of at most {most} bytes (http.json.max_push_bytes), found {found}")
}

/// How the pushes of one call or stream are read. What is wrong with one is in its draft, and so will be its result.
pub(super) struct Item<'a> {
    pub(super) schema: &'a Schema,
    pub(super) default_app: &'a str,
    pub(super) share: &'a BytesShare,
    pub(super) max_push_bytes: usize,
}

impl Item<'_> {
    /// The draft of a push, which stands at this line and column.
    pub(super) fn draft(&self, json: &str, place: impl FnOnce() -> (usize, usize)) -> Draft {
        let Self { schema, default_app, share, max_push_bytes } = self;
        if json.len() > *max_push_bytes {
            let detail = too_large(json.len(), *max_push_bytes);
            return contract::unreadable_push(id_in(json), Refusal::field("", Reason::FieldTooLarge, detail));
        }
        push(schema, json, default_app, share).unwrap_or_else(|mistake| refused(json, mistake.at(place())))
    }
}

/// The draft of what is no push.
pub(super) fn refused(json: &str, mistake: Mistake) -> Draft {
    let detail = mistake.to_string();
    contract::unreadable_push(id_in(json), Refusal::field(mistake.path, Reason::FieldInvalid, detail))
}

/// The id in what is no push, as far as it can be found.
fn id_in(json: &str) -> String {
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    serde_json::from_str(json).map_or_else(|_| String::new(), |Named { id }| id)
}
