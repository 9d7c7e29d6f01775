//! Fanfare, a gRPC push gateway: services send pushes through gRPC stubs, and each push gets exactly one truthful verdict.
//!
//! # When to use it
//!
//! Run the program `fanfare` beside your services; its README says how, and `docs/calling.md` how they call it. This library
//! is what the program is made of. Use it to start a gateway inside a test, or to build a program around one. To send
//! requests of your own over the same pool use `fanfare-upstream`, and to test a sender of pushes use `fanfare-simulator`.
//!
//! # Example
//!
//! A gateway in front of a simulated APNs takes one push.
//!
//! ```
//! use fanfare::app::{Gateway, Network};
//! use fanfare::config::{ApnsConfig, ApnsCredential, AppConfig, Config, Trust};
//! use fanfare::proto::{self, push_service_client::PushServiceClient};
//! use fanfare::provider::apns::{Apns, ApnsSettings};
//! use fanfare::push::{ApnsEnvironment, AppId};
//! use fanfare_simulator::{Environment, Simulator};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let simulator = Simulator::builder().bundle_ids(["com.example.shop"]).start().await?;
//!
//! // A configuration file says the same; `Config::load` reads one.
//! let key = simulator.provider_key();
//! let settings = ApnsSettings {
//!     environment: ApnsEnvironment::Production,
//!     topics: vec!["com.example.shop".to_owned()],
//!     certificate: false,
//!     unknown_push_types: false,
//! };
//! let apns = ApnsConfig {
//!     provider: Apns::try_new(settings)?,
//!     credential: ApnsCredential::token(&key.private_key_pem.clone().into(), &key.key_id, &key.team_id)?,
//! };
//! let shop = AppConfig { apns: Some(apns), ..AppConfig::new(AppId::parse("shop")?) };
//! let mut config = Config::on_loopback(vec![shop], Trust::of_system_and(simulator.ca_pem())?);
//! config.apns_production = simulator.origin(Environment::Production).parse()?;
//!
//! let gateway = Gateway::start(config, Network::default()).await?;
//! let mut client = PushServiceClient::connect(format!("http://{}", gateway.grpc_address())).await?;
//!
//! let device = proto::ApnsDevice { token: "900d".repeat(16), ..Default::default() };
//! let notification = proto::Notification { title: "Hello".to_owned(), ..Default::default() };
//! let push = proto::Push {
//!     app: "shop".to_owned(),
//!     target: Some(proto::Target { apns: Some(device), ..Default::default() }),
//!     content: Some(proto::Content { notification: Some(notification), ..Default::default() }),
//!     ..Default::default()
//! };
//! let request = proto::SendPushRequest { push: Some(Box::new(push)) };
//! let result = client.send_push(request).await?.into_inner().result.expect("an answer has a result");
//! assert_eq!(result.outcome(), proto::Outcome::Accepted);
//!
//! gateway.shut_down().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Where to begin
//!
//! | question | module |
//! |---|---|
//! | What is asked? | [`push`] |
//! | Who may connect? | [`listener`] |
//! | By which protocol? | [`ingress`], [`proto`] |
//! | Who asks, and may they? | [`caller`], [`desk`] |
//! | When, and how often? | [`dispatch`] |
//! | In which words? | [`provider`] |
//! | As whom? | [`credential`] |
//! | Who else is told what became of it? | [`feed`] |
//! | Over which connection? | the crate `fanfare_upstream` |
//! | What builds and runs it? | [`app`], [`config`], [`cli`] |
//! | What is seen of it? | [`metrics`], [`telemetry`] |
//!
//! `ARCHITECTURE.md` has the rows in which imports point down, the walk of one push, and the invariants.

pub mod app;
pub mod caller;
pub mod cli;
pub mod config;
pub mod credential;
pub mod desk;
pub mod dispatch;
pub mod feed;
pub(crate) mod files;
pub mod held_bytes;
pub mod ingress;
pub mod listener;
pub mod metrics;
pub mod proto;
pub mod provider;
pub mod push;
pub mod sharer;
pub(crate) mod status;
pub mod telemetry;
pub mod version;
