//! Sends one push through the gateway that is named: `cargo run --example one_push GATEWAY`
//!
//! It uses TLS if FANFARE_CA names the authorities of the gateway, and shows the token that is in FANFARE_TOKEN_FILE.
#![allow(clippy::print_stdout, reason = "what an example is to show")]

use std::env;

use fanfare_client::Client;
use fanfare_client::v1::{ApnsDevice, Content, Notification, Push, Target, target};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gateway = env::args().nth(1).ok_or("name a gateway")?;
    let builder = Client::builder(gateway);
    let builder = match env::var_os("FANFARE_CA") {
        Some(authorities) => builder.ca_file(authorities),
        None => builder.plaintext(),
    };
    let builder = match env::var_os("FANFARE_TOKEN_FILE") {
        Some(token) => builder.token_file(token),
        None => builder,
    };
    let client = builder.build()?;
    let apns = ApnsDevice { token: "900d0001".into(), ..Default::default() };
    let notification = Notification { title: "Hello".into(), body: "World".into(), ..Default::default() };
    let push = Push {
        app: "demo".into(),
        target: Some(Target { target: Some(target::Target::Apns(apns)) }),
        content: Some(Content { notification: Some(notification), ..Default::default() }),
        ..Default::default()
    };
    let answered = client.send(push).await?;
    println!("{} {}", answered.push.id, answered.verdict.outcome().as_str_name());
    Ok(())
}
