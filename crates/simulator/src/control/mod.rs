//! The control API: what a test in Rust does through [`Simulator`](crate::Simulator), a test in any other language
//! does over HTTP/1.1 and JSON, on a listener of its own. `openapi.json` beside this file describes it, and is served
//! too.
//!
//! It does not authenticate anybody: whoever reaches it can change the simulator, and nothing else.

mod answer;
mod channels;
mod clock;
mod connections;
mod context;
mod entry;
mod faults;
mod input;
mod journal;
mod outcomes;
mod problem;
mod rate;
mod scripted;
mod subscriptions;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, delete, get, post, put};
use http::StatusCode;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use self::answer::json_text;
use self::context::Control;
use self::problem::Problem;
use super::error::SimulatorError;
use super::shared::Shared;

/// The description of the API.
const OPENAPI: &str = include_str!("openapi.json");

/// The most requests that may wait for the journal at once.
const MAX_WAITS: usize = 64;

/// How long a connection may take to end once the simulator stops.
const GRACE: Duration = Duration::from_secs(1);

/// Lists every path and what serves it. A test compares this with `openapi.json`.
fn routes() -> [(&'static str, MethodRouter<Arc<Control>>); 18] {
    [
        ("/openapi.json", get(async || json_text(StatusCode::OK, OPENAPI))),
        ("/v1/journal", get(journal::read).delete(journal::clear)),
        ("/v1/faults", get(faults::list).post(faults::add).delete(faults::clear)),
        ("/v1/faults/{id}", get(faults::show).delete(faults::remove)),
        ("/v1/fates", get(outcomes::list).delete(outcomes::clear)),
        ("/v1/fates/{service}/{token}", get(outcomes::show).put(outcomes::set).delete(outcomes::unset)),
        ("/v1/clock", get(clock::show).post(clock::forward)),
        ("/v1/tokens/expire", post(clock::expire_tokens)),
        ("/v1/provider-keys", get(clock::keys)),
        ("/v1/provider-keys/{key_id}", put(clock::set_key)),
        ("/v1/channels", get(channels::list).post(channels::create)),
        ("/v1/channels/{bundle_id}/{channel_id}", delete(channels::remove)),
        ("/v1/subscriptions", post(subscriptions::create)),
        ("/v1/fcm/rate", put(rate::set).delete(rate::clear)),
        ("/v1/counters", get(connections::counters)),
        ("/v1/connections", get(connections::list)),
        ("/v1/connections/{id}/faults", post(connections::strike)),
        ("/v1/reset", post(connections::reset)),
    ]
}

fn router(control: Arc<Control>) -> Router {
    let router = routes().into_iter().fold(Router::new(), |router, (path, serve)| router.route(path, serve));
    router
        .fallback(async |uri: http::Uri| Problem::not_found(format!("there is no {}", uri.path())))
        .method_not_allowed_fallback(async |method: http::Method, uri: http::Uri| {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("{} does not take {method}", uri.path()))
        })
        .layer(DefaultBodyLimit::max(input::MAX_BODY))
        .with_state(control)
}

/// Listens and serves until the simulator stops, and returns the address.
pub(super) async fn start(
    shared: &Arc<Shared>,
    address: SocketAddr,
    web_push: String,
) -> Result<SocketAddr, SimulatorError> {
    let failed = |source| SimulatorError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let control = Arc::new(Control {
        shared: Arc::clone(shared),
        web_push,
        waits: Semaphore::new(MAX_WAITS),
        outcomes: Mutex::default(),
        channels: shared.apns.channels.list(),
    });
    let stop = shared.stop.clone();
    let serving =
        axum::serve(listener, router(control)).with_graceful_shutdown(stop.clone().cancelled_owned());
    shared.tasks.spawn(async move {
        let late = async {
            stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            // Accepting never ends the server: axum goes on after an error.
            _ = serving.into_future() => {}
            () = late => {}
        }
    });
    Ok(address)
}
