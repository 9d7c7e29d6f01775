//! `POST /v1/pushes`: one push and its result, or up to a thousand of them and their results in the order written.

use bytes::Bytes;
use fanfare_upstream::{ServiceClass, coarse_now};
use serde_json::value::RawValue;

use super::item::{self, Item};
use super::mistake::text;
use super::outline::Outline;
use super::place::Walk;
use super::problem::Problem;
use super::schema::{self, Schema};
use crate::desk::Draft;
use crate::ingress::contract::{self, CallFault, Items, MAX_ITEMS};
use crate::ingress::http::Call;
use crate::proto::{SendPushesResponse, UnreadPushes};

/// What a body says.
#[expect(
    clippy::large_enum_variant,
    reason = "in a box, each push that comes alone would allocate once more"
)]
enum Said {
    One(Draft),
    Several(Vec<Draft>, ServiceClass),
}

/// Sends what a body says, and returns the answer as JSON.
///
/// # Errors
/// Fails where the call as a whole is wrong. What is wrong with one of several pushes is its result.
pub(super) async fn send(
    schema: &Schema,
    call: Call<'_>,
    body: Bytes,
    max_push_bytes: usize,
) -> Result<Vec<u8>, Problem> {
    let said = read(schema, &call, &body, max_push_bytes)?;
    // What is in flight needs it no more.
    drop(body);
    let arrival = call.arrival(None);
    let Call { desk, caller, span, .. } = call;
    let of_call = |draft| Draft { parent: span.clone(), ..draft };
    Ok(match said {
        Said::One(draft) => {
            let settled = desk.submit(&caller, of_call(draft), arrival).await.map_err(CallFault::NoRoom)?;
            schema::write(&schema.result, &contract::settled(settled))
        }
        Said::Several(drafts, class) => {
            let drafts = drafts.into_iter().map(of_call);
            // It is boxed, so that it takes no room in the future of a call with one push.
            let settled = Box::pin(desk.submit_all(&caller, drafts, class, arrival)).await;
            let settled = settled.map_err(CallFault::NoRoom)?.into_iter();
            let results = settled.map(contract::settled).collect();
            schema::write(&schema.results, &SendPushesResponse { results })
        }
    })
}

fn read(schema: &Schema, call: &Call<'_>, body: &[u8], max_push_bytes: usize) -> Result<Said, Problem> {
    let json = text(body)?;
    let Some(outline) = Outline::of(json)? else {
        item::bounded(json.len(), max_push_bytes)?;
        return Ok(Said::One(item::push(schema, json, "", &call.share)?));
    };
    let pushes = outline.pushes()?;
    let UnreadPushes { message, items: multicasts } = outline.without_pushes(schema, json)?;
    let class = contract::service_class("serviceClass", message.service_class).map_err(CallFault::Bad)?;
    let count = pushes.count + multicasts.len();
    if count == 0 || count > MAX_ITEMS {
        return Err(CallFault::Bad(contract::items_expected(MAX_ITEMS, count)).into());
    }
    let mut walk = Walk::over(json);
    let item = Item { schema, default_app: &message.app, share: &call.share, max_push_bytes };
    let pushes = pushes.first.into_iter().map(RawValue::get);
    let mut drafts: Vec<_> = pushes.map(|push| item.draft(push, || walk.to(push))).collect();
    let mut items = Items::new(call.share.clone());
    items.set_default_app(message.app.clone());
    items.read(multicasts, coarse_now());
    drafts.extend(std::iter::from_fn(|| items.next(call.desk, &call.caller)));
    Ok(Said::Several(drafts, class.unwrap_or(ServiceClass::Bulk)))
}
