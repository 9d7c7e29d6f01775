//! Asks each push service once whether it takes what an app shows, over the pool and the dispatcher of the gateway.

use std::time::{Duration, SystemTime};

use fanfare_upstream::{Reply, TooManyPeers};
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

/// How much of a version is told.
const MAX_VERSION_CHARS: usize = 64;

/// A configuration whose push services are asked.
pub(super) struct Online {
    config: Config,
    outbound: Outbound,
    timeout: Duration,
}

/// One question of an app to one of its push services.
struct Question<'a> {
    app: &'a AppConfig,
    provider: ProviderKind,
    /// What is asked for, such as an environment and a topic.
    about: String,
    asks: Asks<'a>,
}

/// How a push service is asked.
enum Asks<'a> {
    /// By a push to this target, which was made up.
    Push(TargetDraft),
    /// For the version of a push proxy.
    Version(&'a MattermostConfig),
    /// Not at all.
    Nothing,
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
        let Question { app, provider, about, asks } = question;
        let of = (app.id.as_str(), provider, about.as_str());
        match asks {
            Asks::Push(target) => match self.outbound.send(push(app, target)).await {
                Ok(result) => Asked::by_verdict(of, &result),
                Err(why) => Asked::new(of, State::NotReached, why.reason().name()),
            },
            Asks::Version(mattermost) => {
                let within = self.timeout;
                let proxy = (app, mattermost);
                match self.outbound.get_from_push_proxy(&self.config, proxy, VERSION, within).await {
                    Ok(reply) => by_version(of, &reply),
                    Err(why) => Asked::new(of, State::NotReached, why.to_string()),
                }
            }
            Asks::Nothing => {
                let why = "key and subject were checked; a push service can be asked with a browser's subscription alone \
                           (fanfare send --web-push)";
                Asked::new(of, State::NotAsked, why)
            }
        }
    }
}

/// Judges what came from the place where a push proxy says its version.
fn by_version(of: (&str, ProviderKind, &str), reply: &Reply) -> Asked {
    let json = serde_json::from_slice::<serde_json::Value>(&reply.body).ok();
    match json.as_ref().and_then(|json| json.get("version")?.as_str()) {
        Some(version) if reply.status == StatusCode::OK => {
            let version: String = version.chars().take(MAX_VERSION_CHARS).collect();
            Asked::new(of, State::Works, format!("it is a push proxy of version {version:?}"))
        }
        Some(_) | None => {
            let status = reply.status.as_u16();
            let words =
                format!("expected the version of a push proxy, found another answer of status {status}");
            let asked = Asked::new(of, State::Refused, words);
            asked.with_advice("compare url with the address of the push proxy")
        }
    }
}

/// What is asked for an app: APNs for each topic, and every other push service once.
fn questions(app: &AppConfig) -> Vec<Question<'_>> {
    let question = |provider, about, asks| Question { app, provider, about, asks };
    let mut questions = Vec::new();
    if let Some(apns) = app.apns.as_ref().map(|apns| &apns.provider) {
        questions.extend(apns.bundle_ids().map(|topic| {
            let about = format!("{} {topic}", environment(apns.own_environment()));
            let device = refusable(DeviceToken::parse("0".repeat(TOKEN_DIGITS))).map(|token| {
                let topic = Some(topic.to_owned());
                apns::Target::Device(apns::Device { token, environment: None, topic })
            });
            question(Apns::KIND, about, Asks::Push(TargetDraft::Apns(device)))
        }));
    }
    if let Some(fcm) = &app.fcm {
        let token = refusable(RegistrationToken::parse(MADE_UP_REGISTRATION_TOKEN.to_owned()));
        let target = TargetDraft::Fcm(token.map(fcm::Target::Token));
        questions.push(question(Fcm::KIND, fcm.provider.project_id().to_owned(), Asks::Push(target)));
    }
    if app.web_push.is_some() {
        questions.push(question(WebPush::KIND, String::new(), Asks::Nothing));
    }
    if let Some(mattermost) = &app.mattermost {
        let about = mattermost.origin.to_string();
        questions.push(question(Mattermost::KIND, about, Asks::Version(mattermost)));
    }
    questions
}

/// A push that shows nothing, is not kept for later, and is only validated where its push service can do that.
fn push(app: &AppConfig, target: TargetDraft) -> Draft {
    let dry_run = target.provider() == Fcm::KIND;
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
    Draft { id: String::new(), target, body, held: Ok(None), parent: Span::none() }
}

fn refusable<T>(parsed: Result<T, InvalidValue>) -> Result<T, Refusal> {
    parsed.map_err(|error| Refusal::value("target", &error))
}
