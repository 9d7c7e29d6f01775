//! Sends pushes through a [Fanfare](https://fanfare.dev) gateway, and says what became of each.
//!
//! [`Client::send`] sends one push, and [`Client::send_batch`] a stream of them. The messages of the contract are in [`v1`].
//!
//! ```no_run
//! use fanfare_client::Client;
//! use fanfare_client::v1::{ApnsDevice, Content, Notification, Push, Target, target};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder("127.0.0.1:50051").plaintext().build()?;
//! let apns = ApnsDevice { token: "900d0001".into(), ..Default::default() };
//! let notification = Notification { title: "Hello".into(), ..Default::default() };
//! let push = Push {
//!     app: "demo".into(),
//!     target: Some(Target { target: Some(target::Target::Apns(apns)) }),
//!     content: Some(Content { notification: Some(notification), ..Default::default() }),
//!     ..Default::default()
//! };
//! let answered = client.send(push).await?;
//! println!("{}: {:?}", answered.push.id, answered.verdict.outcome());
//! # Ok(())
//! # }
//! ```

mod batch;
mod client;
mod ended;
mod status;
mod stream;

/// The messages and stubs of the contract, `fanfare/push/v1/push.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::large_futures, reason = "generated")]
#[rustfmt::skip]
#[path = "generated/fanfare.push.v1.rs"]
pub mod v1;

pub use batch::Batch;
pub use client::{Builder, Client, SetupError};
pub use ended::{Answered, CallError, Ended, NotRead, Unknown};
