//! An item: one push as JSON becomes a draft. What is wrong with it is in the draft, as everything that is wrong with a push.

use fanfare_upstream::coarse_now;
use prost::Message;
use serde::Deserialize;

use super::mistake::Mistake;
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

/// An item that is no push.
pub(super) fn refused(json: &str, mistake: Mistake) -> Draft {
    let detail = mistake.to_string();
    contract::unreadable_push(id_in(json), Refusal::field(mistake.path, Reason::FieldInvalid, detail))
}

/// The id of an item that is no push, as far as it can be found.
fn id_in(json: &str) -> String {
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    serde_json::from_str(json).map_or_else(|_| String::new(), |Named { id }| id)
}
