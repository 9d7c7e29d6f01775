//! The HTTP listeners: who may call, what is bounded, what hostile callers get, and how a listener changes and ends.
//!
//! What the ingresses answer is tested with them. Here a call counts as taken that no listener refused.

mod callers;
mod configuration;
mod drain;
mod hostile;
mod memory;
mod reload;
mod sources;
mod tls;

use std::net::SocketAddr;

use fanfare::caller::{CallerKey, CallerSettings, Permissions};
use fanfare::config::Config;
use fanfare::ingress::http::HttpSettings;
use fanfare::ingress::matrix::MatrixSettings;
use fanfare::ingress::mattermost::MattermostSettings;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{SOON, World};

/// Where a Mattermost server sends its pushes.
pub(crate) const SEND_PUSH: &str = "/api/v1/send_push";

/// A body that no ingress takes for a push.
const BODY: &str = "{}";

/// An HTTP listener on a free port of loopback that serves Mattermost and Matrix.
pub(crate) fn listener() -> HttpSettings {
    let mut settings = HttpSettings::on(SocketAddr::from(([127, 0, 0, 1], 0)));
    settings.mattermost = Some(MattermostSettings::default());
    settings.matrix = Some(MatrixSettings::default());
    settings
}

/// A caller who may do everything, and is known by these keys.
fn caller(name: &str, keys: &[&CallerKey]) -> CallerSettings {
    CallerSettings {
        name: name.to_owned(),
        permissions: Permissions::everything(),
        keys: keys.iter().map(|key| key.digest()).collect(),
        certificate: None,
        token: None,
        anonymous: false,
    }
}

/// A world whose gateway has such a listener, which may be changed, as may the rest of its configuration.
async fn world(change: impl FnOnce(&mut HttpSettings, &mut Config)) -> World {
    World::with(
        |builder| builder,
        |config| {
            let mut http = listener();
            change(&mut http, config);
            config.http.push(http);
        },
    )
    .await
}

async fn connect(world: &World) -> TcpStream {
    TcpStream::connect(world.gateway.http_addresses()[0]).await.unwrap()
}

/// A POST of a body with these lines in its head.
fn post(path: &str, lines: &str) -> String {
    let length = BODY.len();
    format!("POST {path} HTTP/1.1\r\nhost: gateway\r\n{lines}content-length: {length}\r\n\r\n{BODY}")
}

/// Sends a text on a connection of its own, and returns all that comes until the other side ends the connection, which it must
/// do.
async fn tell(world: &World, text: &str) -> String {
    let mut stream = connect(world).await;
    // A connection that is closed already takes nothing.
    let _ = stream.write_all(text.as_bytes()).await;
    rest(stream).await
}

/// All that comes until the other side ends the connection, which it must do.
async fn rest(mut stream: impl AsyncRead + Unpin) -> String {
    let mut said = Vec::new();
    // A reset ends it as well.
    let _ = timeout(SOON, stream.read_to_end(&mut said)).await.expect("the connection is closed");
    String::from_utf8(said).unwrap()
}

/// Reads the head of one answer and its body, and leaves what follows.
async fn one_answer(stream: &mut TcpStream) -> String {
    let read = async {
        let mut said = Vec::new();
        while !said.ends_with(b"\r\n\r\n") {
            said.push(stream.read_u8().await.expect("an answer comes"));
        }
        let mut head = String::from_utf8(said).unwrap();
        let length = field(&head, "content-length").expect("an answer has a length").parse().unwrap();
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        head.push_str(std::str::from_utf8(&body).unwrap());
        head
    };
    timeout(SOON, read).await.expect("an answer comes")
}

/// The value of a header field of an answer.
fn field<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = answer.lines().skip(1).take_while(|line| !line.is_empty());
    fields.find_map(|line| line.split_once(": ").filter(|(found, _)| *found == name).map(|(_, value)| value))
}

fn status_of(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("an answer has a status: {answer:?}")).parse().unwrap()
}

/// The status of the answer to a POST on a connection that ends after it.
pub(crate) async fn status(world: &World, path: &str, lines: &str) -> u16 {
    status_of(&tell(world, &post(path, &format!("connection: close\r\n{lines}"))).await)
}

/// Whether a listener let a call on to its ingress.
pub(crate) fn is_taken(status: u16) -> bool {
    ![400, 401, 403, 405, 408, 413, 415, 429, 431, 503].contains(&status)
}

/// How many calls were refused for this reason.
fn refused(world: &World, reason: &str) -> f64 {
    crate::harness::metric_sum(world, "fanfare_http_refusals_total{", &format!("reason=\"{reason}\""))
}
