//! Who may call: callers that are known by a key, what each may do, and what becomes of what it may not.

mod changes;
mod configuration;
mod doors;
mod matrix;
mod once;
mod rates;
mod reading_anew;
mod tokens;

use std::sync::Arc;

use fanfare::app::{Gateway, Network};
use fanfare::caller::jwt::IssuerSettings;
use fanfare::caller::{CallerKey, CallerSettings, Listed, Permissions, Rpc};
use fanfare::config::{AppConfig, Config, FcmConfig};
use fanfare::credential::google::Source;
use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{self, Outcome, Reason};
use fanfare::provider::fcm::{Fcm, FcmSettings as Project};
use fanfare::push::AppId;
use fanfare_simulator::{FcmSettings, Simulator};
use secrecy::ExposeSecret;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use crate::harness::{APP, TOPIC, World, app, channel, config, connect, push, trust};

const NEWS: &str = "news";
const PROJECT: &str = "demo-project";

/// A client that shows a key with each call.
type Client = PushServiceClient<InterceptedService<Channel, Bearer>>;

/// Shows a key or a token.
#[derive(Clone)]
struct Bearer(String);

impl tonic::service::Interceptor for Bearer {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
        request.metadata_mut().insert("authorization", self.0.parse().unwrap());
        Ok(request)
    }
}

/// A caller with a key of its own.
struct Known {
    key: String,
    settings: CallerSettings,
}

/// A caller that may push to devices for [`APP`] by every RPC and provider.
fn known(name: &str) -> Known {
    let key = CallerKey::generate().unwrap();
    let permissions = Permissions {
        apps: these([AppId::parse(APP).unwrap()]),
        providers: Listed::Everything,
        rpcs: Listed::Everything,
        interactive: true,
        bulk: true,
        max_streams: None,
        ..Permissions::nothing()
    };
    let settings = CallerSettings {
        name: name.to_owned(),
        permissions,
        keys: vec![key.digest()],
        certificate: None,
        token: None,
        anonymous: false,
    };
    Known { key: key.expose_secret().to_owned(), settings }
}

impl Known {
    /// The same caller with other permissions.
    fn may(mut self, change: impl FnOnce(&mut Permissions)) -> Self {
        change(&mut self.settings.permissions);
        self
    }
}

fn these<T: Ord>(listed: impl IntoIterator<Item = T>) -> Listed<T> {
    Listed::These(listed.into_iter().collect())
}

/// A gateway with two apps: [`APP`] by APNs and FCM, [`NEWS`] by APNs alone.
async fn world(callers: Vec<CallerSettings>) -> World {
    world_with(callers, Vec::new()).await
}

async fn world_with(callers: Vec<CallerSettings>, issuers: Vec<IssuerSettings>) -> World {
    let simulator =
        Simulator::builder().bundle_ids([TOPIC]).fcm(FcmSettings::default()).start().await.unwrap();
    let config = configuration(&simulator, callers, issuers);
    let gateway = Gateway::start(config, Network::default()).await.unwrap();
    let client = connect(&gateway).await;
    World { simulator, gateway, client }
}

/// The gateway reads a configuration with these callers.
fn change_callers(world: &World, callers: Vec<CallerSettings>) {
    world.gateway.reload(configuration(&world.simulator, callers, Vec::new())).unwrap();
}

fn configuration(
    simulator: &Simulator,
    callers: Vec<CallerSettings>,
    issuers: Vec<IssuerSettings>,
) -> Config {
    let account = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
    let mut config = config(simulator);
    let fcm = FcmConfig {
        provider: Fcm::try_new(&Project { project_id: PROJECT.to_owned() }).unwrap(),
        credential: Arc::new(Source::from_json(&account.key_json().into()).unwrap()),
        certificate: None,
        pushes_per_minute: None,
    };
    config.fcm.origin = simulator.fcm().origin().parse().unwrap();
    config.fcm.trust = trust(simulator);
    let key = simulator.provider_key();
    let apns = |name| {
        let pem = key.private_key_pem.clone().into();
        app(name, fanfare::config::ApnsCredential::token(&pem, &key.key_id, &key.team_id).unwrap())
    };
    config.apps = vec![AppConfig { fcm: Some(fcm), ..apns(APP) }, apns(NEWS)];
    (config.callers, config.issuers) = (callers, issuers);
    config
}

async fn client(world: &World, key: &str) -> Client {
    let bearer = Bearer(format!("Bearer {key}"));
    PushServiceClient::with_interceptor(channel(&world.gateway).await, bearer)
}

/// A push by FCM.
fn to_fcm(target: proto::FcmTarget) -> proto::Push {
    let target = proto::Target { fcm: Some(Box::new(target)), ..proto::Target::default() };
    proto::Push { target: Some(target), ..push("ab") }
}

fn to_registration_token() -> proto::Push {
    let registration_token = "good-registration-token-1".to_owned();
    to_fcm(proto::FcmTarget { registration_token, ..proto::FcmTarget::default() })
}

/// Sends a push by an RPC. Each RPC gives it the same verdict.
async fn send(client: &Client, rpc: Rpc, push: proto::Push) -> Result<proto::PushResult, tonic::Status> {
    let mut client = client.clone();
    match rpc {
        Rpc::SendPush => {
            let request = proto::SendPushRequest { push: Some(Box::new(push)) };
            Ok(client.send_push(request).await?.into_inner().result.unwrap())
        }
        Rpc::SendPushes => {
            let service_class = proto::ServiceClass::Interactive.into();
            let request =
                proto::SendPushesRequest { pushes: vec![push], service_class, ..Default::default() };
            Ok(client.send_pushes(request).await?.into_inner().results.remove(0))
        }
        Rpc::SendBatch => {
            let service_class = proto::ServiceClass::Interactive.into();
            let options = Some(proto::BatchOptions { service_class, ..Default::default() });
            let request = proto::SendBatchRequest { options, pushes: vec![push], ..Default::default() };
            let mut answers = client.send_batch(tokio_stream::iter([request])).await?.into_inner();
            let mut result = None;
            while let Some(answer) = answers.message().await? {
                result = result.or(answer.results.into_iter().next());
            }
            Ok(result.unwrap())
        }
    }
}

/// Whether a result says that the caller may not send the push.
fn is_not_permitted(result: &proto::PushResult) -> bool {
    let not_permitted = result.reason() == Reason::NotPermitted;
    if not_permitted {
        assert_eq!(result.outcome(), Outcome::NotAttempted, "{result:?}");
        assert_eq!(result.delivery(), proto::Delivery::No, "{result:?}");
        assert_eq!(result.token_action(), proto::TokenAction::Keep, "{result:?}");
        assert!(!result.retryable, "{result:?}");
    }
    not_permitted
}
