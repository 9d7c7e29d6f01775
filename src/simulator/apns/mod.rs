//! What APNs checks and what it answers.

mod auth;
mod body;
mod broadcast;
mod exchange;
mod keys;
mod misbehave;
mod reply;
mod token;
mod validate;

use http::Method;
use http::request::Parts;
use uuid::Uuid;

pub(super) use self::auth::Session;
pub(super) use self::broadcast::Channels;
pub use self::broadcast::StoragePolicy;
pub(super) use self::exchange::serve;
pub(super) use self::keys::Keys;
pub use self::keys::{KeyScope, ProviderKey, ProviderKeySpec};
pub(super) use self::token::Fates;
pub use self::token::{Fate, FateRow, fates};

use self::auth::{Denied, Grant};
use self::body::Body;
use self::reply::{IdHeader, Reply};
use self::token::Pace;
use super::connection::Connection;
use super::filter::Afterwards;

const DEVICE_PATH: &str = "/3/device/";
const BROADCAST_PATH: &str = "/4/broadcasts/apps/";

/// An answer, when it goes out, and what follows it.
struct Decision {
    reply: Reply,
    pace: Pace,
    afterwards: Afterwards,
    id: (IdHeader, Option<Uuid>),
}

/// What the path names.
enum Target<'a> {
    /// A device token.
    Device(&'a str),
    /// A bundle id whose channel is in a header.
    Broadcast(&'a str),
}

/// Judges a request that was read in full.
fn decide(connection: &Connection, parts: &Parts, body: &Body) -> Decision {
    let id_header =
        if parts.uri.path().starts_with(BROADCAST_PATH) { IdHeader::ApnsRequestId } else { IdHeader::ApnsId };
    let id = (id_header, validate::message_id(&parts.headers, id_header.name()).ok().flatten());
    let refused = |reply, afterwards| Decision { reply, pace: Pace::Now, afterwards, id };

    let target = match target(parts) {
        Ok(target) => target,
        Err(reply) => return refused(reply, Afterwards::Nothing),
    };
    let Connection { world, wire, session, .. } = connection;
    let Grant { by, afterwards } =
        match session.authorize(world, wire.environment, parts.headers.get("authorization")) {
            Ok(grant) => grant,
            Err(Denied { reply, afterwards }) => return refused(reply, afterwards),
        };
    let bundle_ids = &world.settings.bundle_ids;
    let judged = match target {
        Target::Device(device_token) => validate::push(&parts.headers, body, &by, bundle_ids).map(|topic| {
            let fate = world.fates.of(device_token, world.clock.now_ms());
            token::meet(fate, &topic, wire.environment)
        }),
        Target::Broadcast(bundle_id) => world
            .channels
            .check(bundle_id, bundle_ids, &parts.headers, body)
            .map(|()| (Reply::accepted(), Pace::Now)),
    };
    match judged {
        Ok((reply, pace)) => Decision { reply, pace, afterwards, id },
        Err(reply) => refused(reply, afterwards),
    }
}

/// Checks method, path and that no header is repeated.
fn target(parts: &Parts) -> Result<Target<'_>, Reply> {
    if parts.method != Method::POST {
        return Err(Reply::refused(405, "MethodNotAllowed"));
    }
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let target = if let Some(token) = path.strip_prefix(DEVICE_PATH) {
        if token.is_empty() {
            return Err(Reply::refused(400, "MissingDeviceToken"));
        }
        // Apple asks not to assume a length.
        if token.len() % 2 != 0 || !token.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(Reply::refused(400, "BadDeviceToken"));
        }
        Target::Device(token)
    } else if let Some(bundle_id) = path.strip_prefix(BROADCAST_PATH) {
        Target::Broadcast(bundle_id)
    } else {
        return Err(Reply::refused(404, "BadPath"));
    };
    if validate::has_duplicates(&parts.headers) {
        return Err(Reply::refused(400, "DuplicateHeaders"));
    }
    Ok(target)
}
