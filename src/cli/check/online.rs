//! Asks each push service once whether it takes what an app shows, over the pool and the dispatcher of the gateway.

use std::time::{Duration, SystemTime};

use fanfare_upstream::TooManyPeers;
use futures_util::StreamExt;
use futures_util::stream;
use http::StatusCode;
use tracing::Span;

use super::apps::environment;
use super::asked::{Asked, State};
use crate::app::{Network, Outbound};
use crate::config::{AppConfig, Config, MattermostConfig};
use crate::desk::{BodyDraft, Draft, DraftBody, OptionsDraft, TargetDraft};
use crate::provider::Provider;
use crate::provider::apns::{self, Apns};
use crate::provider::fcm::{self, Fcm};
use crate::provider::mattermost::Mattermost;
use crate::provider::webpush::WebPush;
use crate::push::{
    Content, DeviceToken, Expiry, InvalidValue, Labels, Options, ProviderKind, Refusal, RegistrationToken,
};

/// The most questions under way at once.
const MOST_AT_ONCE: usize = 64;

/// A registration token that FCM never gave out.
const MADE_UP_REGISTRATION_TOKEN: &str = "fanfare-check:this-token-was-made-up";

/// The digits of a device token of APNs. One of zeros belongs to no device, and is answered with BadDeviceToken once key and
/// topic were taken. Source: Apple, "Handling notification responses from APNs".
const TOKEN_DIGITS: usize = 64;

/// Where a Mattermost push proxy says its version. Source: mattermost-push-proxy, `server/server.go`.
const VERSION: &str = "/version";

/// A configuration whose push services are asked.
pub(super) struct Online {
    config: Config,
    outbound: Outbound,
    timeout: Duration,
}

/// One question.
enum Question<'a> {
    Push {
        app: &'a AppConfig,
        kind: ProviderKind,
        about: String,
        draft: Draft,
    },
    Version {
        app: &'a AppConfig,
        mattermost: &'a MattermostConfig,
    },
    /// Nobody can be asked.
    None {
        app: &'a AppConfig,
    },
}

impl Online {
    /// Connects to nobody yet.
    ///
    /// # Errors
    /// Fails if the configuration names too many upstreams.
    pub(super) fn start(
        mut config: Config,
        network: Network,
        timeout: Duration,
    ) -> Result<Self, TooManyPeers> {
        // Each question is asked once: the first failed connect and the first answer are what the operator is told. A connect
        // ends before its question, so that it is told by what failed and not as a deadline that passed.
        config.grpc.max_wait = timeout;
        config.dispatch.max_attempts = 1;
        config.max_in_flight = config.max_in_flight.max(2 * MOST_AT_ONCE);
        let upstream = &mut config.upstream;
        upstream.connect_timeout = upstream.connect_timeout.min(timeout * 4 / 5);
        upstream.connect_patience = 1;
        let outbound = Outbound::new(&config, network)?;
        Ok(Self { config, outbound, timeout })
    }

    /// Asks everything at the same time, and returns what came of it in the order of the apps.
    pub(super) async fn ask(self) -> Vec<Asked> {
        let questions: Vec<_> = self.config.apps.iter().flat_map(questions).collect();
        let asked = stream::iter(questions).map(|question| self.answer(question)).buffered(MOST_AT_ONCE);
        let asked = asked.collect().await;
        self.outbound.shut_down().await;
        asked
    }

    async fn answer(&self, question: Question<'_>) -> Asked {
        match question {
            Question::Push { app, kind, about, draft } => {
                let of = (app.id.as_str(), kind, about.as_str());
                match self.outbound.send(draft).await {
                    Ok(result) => Asked::by_verdict(of, &result),
                    Err(why) => Asked::new(of, State::NotReached, why.reason().name()),
                }
            }
            Question::Version { app, mattermost } => self.version(app, mattermost).await,
            Question::None { app } => {
                let why = "key and subject were checked; a push service is asked with a browser's subscription alone, as \
                           `fanfare send` does";
                Asked::new((app.id.as_str(), WebPush::KIND, ""), State::NotAsked, why)
            }
        }
    }

    async fn version(&self, app: &AppConfig, mattermost: &MattermostConfig) -> Asked {
        let about = mattermost.origin.to_string();
        let of = (app.id.as_str(), Mattermost::KIND, about.as_str());
        let asked = self.outbound.get_from_push_proxy(&self.config, (app, mattermost), VERSION, self.timeout);
        let reply = match asked.await {
            Ok(reply) => reply,
            Err(why) => return Asked::new(of, State::NotReached, why.to_string()),
        };
        let version = serde_json::from_slice::<serde_json::Value>(&reply.body).ok();
        let version = version.as_ref().and_then(|json| json.get("version")?.as_str());
        match (reply.status, version) {
            (StatusCode::OK, Some(version)) => {
                let version: String = version.chars().filter(|c| !c.is_control()).take(64).collect();
                Asked::new(of, State::Works, format!("it is a push proxy of version {version:?}"))
            }
            (status, _) => {
                let words = format!("expected the version of a push proxy, found status {}", status.as_u16());
                Asked::new(of, State::Refused, words)
            }
        }
    }
}

/// What is asked for an app: APNs for each topic, and every other push service once.
fn questions(app: &AppConfig) -> Vec<Question<'_>> {
    let mut questions = Vec::new();
    for (provider, topic) in
        app.apns.iter().flat_map(|it| it.provider.bundle_ids().map(|topic| (&it.provider, topic)))
    {
        let about = format!("{} {topic}", environment(provider.own_environment()));
        let device = refusable(DeviceToken::parse("0".repeat(TOKEN_DIGITS))).map(|token| {
            let topic = Some(topic.to_owned());
            apns::Target::Device(apns::Device { token, environment: None, topic })
        });
        questions.push(push(app, Apns::KIND, about, TargetDraft::Apns(device)));
    }
    if let Some(fcm) = &app.fcm {
        let about = fcm.provider.project_id().to_owned();
        let token = refusable(RegistrationToken::parse(MADE_UP_REGISTRATION_TOKEN.to_owned()));
        questions.push(push(app, Fcm::KIND, about, TargetDraft::Fcm(token.map(fcm::Target::Token))));
    }
    if app.web_push.is_some() {
        questions.push(Question::None { app });
    }
    questions.extend(app.mattermost.as_ref().map(|mattermost| Question::Version { app, mattermost }));
    questions
}

/// A push that shows nothing, is not kept for later, and is only validated where its push service can do that.
fn push(app: &AppConfig, kind: ProviderKind, about: String, target: TargetDraft) -> Question<'_> {
    let dry_run = kind == Fcm::KIND;
    let options = Options { dry_run, expiry: Expiry::NoStore, ..Options::default() };
    let data = [("check".to_owned(), "fanfare".to_owned())].into();
    let body = BodyDraft {
        app: app.id.to_string(),
        content: Ok(Content { data, ..Content::default() }),
        options: Ok(OptionsDraft { options, ttl: None }),
        labels: Labels::new(),
        accepted_at: SystemTime::now(),
    };
    let (target, body) = (Ok(target), DraftBody::Own(body));
    let draft = Draft { id: String::new(), target, body, held: Ok(None), parent: Span::none() };
    Question::Push { app, kind, about, draft }
}

fn refusable<T>(parsed: Result<T, InvalidValue>) -> Result<T, Refusal> {
    parsed.map_err(|error| Refusal::value("target", &error))
}
