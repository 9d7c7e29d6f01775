//! Collects what a client of the simulator needs to know, for `simulator.json`.

use fanfare_simulator::{
    Environment, Simulator, StoragePolicy, VapidKey, apns_scripted_prefixes, fcm_scripted_words,
    web_push_scripted_subscriptions,
};
use serde::Serialize;

/// The content of `simulator.json`.
#[derive(Serialize)]
pub(super) struct Facts<'a> {
    pub(super) production: String,
    pub(super) sandbox: String,
    pub(super) team_id: &'a str,
    pub(super) key_id: &'a str,
    pub(super) topics: &'a [String],
    pub(super) fates: Vec<FateFacts>,
    pub(super) fcm: FcmFacts<'a>,
    pub(super) mattermost: MattermostFacts,
    pub(super) web_push: WebPushFacts<'a>,
    pub(super) control: String,
    pub(super) channels: Vec<ChannelFacts>,
}

#[derive(Serialize)]
pub(super) struct ChannelFacts {
    pub(super) bundle_id: String,
    pub(super) channel_id: String,
    pub(super) storage_policy: StoragePolicy,
}

#[derive(Serialize)]
pub(super) struct FateFacts {
    pub(super) prefix: &'static str,
    pub(super) status: Option<u16>,
    pub(super) reason: Option<&'static str>,
    pub(super) description: &'static str,
}

#[derive(Serialize)]
pub(super) struct FcmFacts<'a> {
    pub(super) origin: String,
    pub(super) token_uri: String,
    pub(super) metadata: String,
    pub(super) projects: &'a [String],
    pub(super) fates: Vec<WordFacts>,
}

#[derive(Serialize)]
pub(super) struct WordFacts {
    pub(super) word: &'static str,
    pub(super) description: &'static str,
}

#[derive(Serialize)]
pub(super) struct MattermostFacts {
    pub(super) origin: String,
    pub(super) tls_origin: String,
}

#[derive(Serialize)]
pub(super) struct WebPushFacts<'a> {
    pub(super) origin: String,
    pub(super) public_key: &'a str,
    pub(super) subscriptions: Vec<SubscriptionFacts>,
}

#[derive(Serialize)]
pub(super) struct SubscriptionFacts {
    /// The name of the subscription, which its file has too.
    pub(super) name: String,
    pub(super) description: &'static str,
}

impl<'a> Facts<'a> {
    pub(super) fn new(
        simulator: &'a Simulator,
        topics: &'a [String],
        projects: &'a [String],
        vapid: &'a VapidKey,
    ) -> Self {
        let (key, fcm, mattermost) = (simulator.provider_key(), simulator.fcm(), simulator.mattermost());
        Self {
            production: simulator.origin(Environment::Production),
            sandbox: simulator.origin(Environment::Sandbox),
            team_id: &key.team_id,
            key_id: &key.key_id,
            topics,
            fates: apns_scripted_prefixes()
                .iter()
                .map(|row| FateFacts {
                    prefix: row.prefix,
                    status: row.status,
                    reason: row.reason,
                    description: row.description,
                })
                .collect(),
            fcm: FcmFacts {
                origin: fcm.origin(),
                token_uri: fcm.token_uri(),
                metadata: fcm.metadata_origin(),
                projects,
                fates: fcm_scripted_words()
                    .iter()
                    .map(|row| WordFacts { word: row.word, description: row.description })
                    .collect(),
            },
            mattermost: MattermostFacts { origin: mattermost.origin(), tls_origin: mattermost.tls_origin() },
            web_push: WebPushFacts {
                origin: simulator.web_push().origin(),
                public_key: &vapid.public_key,
                subscriptions: web_push_scripted_subscriptions()
                    .iter()
                    .map(|row| SubscriptionFacts { name: row.name(), description: row.description })
                    .collect(),
            },
            control: simulator.control_origin().unwrap_or_default(),
            channels: simulator
                .channels()
                .into_iter()
                .map(|(bundle_id, channel_id, storage_policy)| ChannelFacts {
                    bundle_id,
                    channel_id,
                    storage_policy,
                })
                .collect(),
        }
    }
}
