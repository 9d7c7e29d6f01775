//! The HTTP listeners: who may call, what is bounded, and what hostile callers get.

mod callers;

use std::net::SocketAddr;

use fanfare::config::Config;
use fanfare::ingress::http::HttpSettings;
use fanfare::ingress::mattermost::MattermostSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{SOON, World};

/// Where a Mattermost server sends its pushes.
const SEND_PUSH: &str = "/api/v1/send_push";

/// An HTTP listener on a free port of loopback that serves Mattermost.
fn mattermost() -> HttpSettings {
    let mut settings = HttpSettings::on(SocketAddr::from(([127, 0, 0, 1], 0)));
    settings.mattermost = Some(MattermostSettings::default());
    settings
}

/// A world whose gateway has such a listener, which may be changed, as may the rest of its configuration.
async fn world(change: impl FnOnce(&mut HttpSettings, &mut Config)) -> World {
    World::with(
        |builder| builder,
        |config| {
            let mut http = mattermost();
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
fn post(path: &str, lines: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nhost: gateway\r\n{lines}content-length: {length}\r\n\r\n{body}")
}

/// Sends a text on a connection of its own, and returns all that comes until the other side ends the connection.
async fn tell(world: &World, text: &str) -> String {
    let mut stream = connect(world).await;
    // A connection that is closed already takes nothing.
    let _ = stream.write_all(text.as_bytes()).await;
    let mut said = Vec::new();
    let _ = timeout(SOON, stream.read_to_end(&mut said)).await.expect("the connection is closed");
    String::from_utf8(said).unwrap()
}

/// The status of the answer to a POST on a connection that ends after it.
async fn status(world: &World, path: &str, lines: &str) -> u16 {
    let said = tell(world, &post(path, &format!("connection: close\r\n{lines}"), "{}")).await;
    said.split(' ').nth(1).expect("an answer has a status").parse().unwrap()
}
