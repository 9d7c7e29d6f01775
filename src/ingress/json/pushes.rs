//! `POST /v1/pushes`: one push and its result, or up to a thousand of them and their results in the order written.

use fanfare_upstream::{ServiceClass, coarse_now};
use http::StatusCode;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::item;
use super::mistake::{Mistake, text};
use super::problem::Problem;
use super::schema::{self, Schema};
use crate::ingress::contract::{self, CallFault, Items, MAX_ITEMS};
use crate::ingress::http::{Answer, Call, answer};
use crate::proto::{SendPushesResponse, UnreadPushes};

/// Sends what a body says.
///
/// # Errors
/// Fails where the call as a whole is wrong. What is wrong with one of several pushes is its result.
pub(super) async fn send(schema: &'static Schema, call: Call<'_>, body: &[u8]) -> Result<Answer, Problem> {
    let json = text(body)?;
    let json = match Outline::of(json)? {
        Some(outline) => several(schema, call, json, &outline).await?,
        None => one(schema, call, json).await?,
    };
    Ok(answer(StatusCode::OK, super::MEDIA_TYPE, json))
}

async fn one(schema: &Schema, call: Call<'_>, json: &str) -> Result<Vec<u8>, Problem> {
    let draft = item::push(schema, json, "", &call.share)?;
    let settled = call.desk.submit(&call.caller, draft, call.arrival(None)).await;
    let result = contract::settled(settled.map_err(CallFault::NoRoom)?);
    Ok(schema::write(&schema.result, &result))
}

async fn several(
    schema: &'static Schema,
    call: Call<'_>,
    json: &str,
    outline: &Outline<'_>,
) -> Result<Vec<u8>, Problem> {
    let UnreadPushes { message, items: multicasts } = outline.without_pushes(schema, json)?;
    let class = contract::service_class("serviceClass", message.service_class).map_err(CallFault::Bad)?;
    let pushes = outline.pushes()?;
    let count = pushes.len() + multicasts.len();
    if count == 0 || count > MAX_ITEMS {
        return Err(CallFault::Bad(contract::items_expected(MAX_ITEMS, count)).into());
    }
    let Call { desk, caller, share, .. } = &call;
    let mut items = Items::new(share.clone());
    items.read(multicasts, coarse_now());
    let pushes = pushes.into_iter().map(|push| {
        let push = push.get();
        let read = item::push(schema, push, &message.app, share);
        read.unwrap_or_else(|mistake| item::refused(push, mistake.behind(before(json, push))))
    });
    items.set_default_app(message.app.clone());
    let drafts = pushes.chain(std::iter::from_fn(|| items.next(desk, caller)));
    let class = class.unwrap_or(ServiceClass::Bulk);
    let settled = desk.submit_all(caller, drafts, class, call.arrival(None)).await;
    let results = settled.map_err(CallFault::NoRoom)?.into_iter().map(contract::settled).collect();
    Ok(schema::write(&schema.results, &SendPushesResponse { results }))
}

/// What there is of a body with several pushes, before they are read.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(borrow)]
    pushes: Option<&'a RawValue>,
    multicasts: Option<IgnoredAny>,
}

impl<'a> Outline<'a> {
    /// None: the body is a single push, or else it is none.
    fn of(json: &'a str) -> Result<Option<Self>, Mistake> {
        if !json.trim_ascii_start().starts_with('{') {
            return Ok(None);
        }
        let outline: Self = serde_json::from_str(json).map_err(|error| Mistake::plain(&error))?;
        let several = outline.pushes.is_some() || outline.multicasts.is_some();
        Ok(several.then_some(outline))
    }

    /// Its pushes, each as the text that it is in the body.
    fn pushes(&self) -> Result<Vec<&'a RawValue>, Mistake> {
        let Some(pushes) = self.pushes else { return Ok(Vec::new()) };
        serde_json::from_str(pushes.get()).map_err(|error| Mistake::plain(&error))
    }

    /// Everything else of the body. What is wrong with a multicast is wrong with the call: it is not known how many items it
    /// has.
    fn without_pushes(&self, schema: &Schema, json: &str) -> Result<UnreadPushes, Mistake> {
        let mut rest = json.to_owned();
        if let Some(pushes) = self.pushes.map(RawValue::get).filter(|pushes| pushes.starts_with('[')) {
            // The places of everything else stay what they are in the body.
            let at = before(json, pushes).len();
            let blank = pushes.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' });
            let blank: String = blank.skip(1).take(pushes.len() - 2).collect();
            rest.replace_range(at..at + pushes.len(), &format!("[{blank}]"));
        }
        let bytes = schema::read(&schema.pushes, &rest)?;
        UnreadPushes::of(bytes.into()).map_err(|error| Mistake::of_whole(error.to_string()))
    }
}

/// What stands in a text before a part of it.
fn before<'a>(text: &'a str, part: &str) -> &'a str {
    let at = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    text.get(..at).unwrap_or_default()
}
