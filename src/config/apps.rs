//! What the configuration says of one app, with its keys and certificates parsed.

use std::sync::Arc;
use std::time::Duration;

use fanfare_upstream::{Http, Origin, Proxies};
use secrecy::SecretString;

use super::{ClientCertificate, Trust};
use crate::credential::CredentialError;
use crate::credential::apns::{KeyId, SigningKey, TeamId};
use crate::credential::google::Source;
use crate::credential::vapid::ApplicationServer;
use crate::provider::apns::Apns;
use crate::provider::fcm::Fcm;
use crate::provider::mattermost::Mattermost;
use crate::provider::webpush::WebPush;
use crate::push::AppId;

/// One app.
pub struct AppConfig {
    /// The name by which callers push for it.
    pub id: AppId,
    /// The time to live of its pushes that name none.
    pub default_ttl: Option<Duration>,
    /// How its share of a push service's streams compares with those of the other apps of a caller.
    pub weight: u8,
    /// How it speaks to APNs.
    pub apns: Option<ApnsConfig>,
    /// How it speaks to FCM.
    pub fcm: Option<FcmConfig>,
    /// How it speaks to a Mattermost push proxy.
    pub mattermost: Option<MattermostConfig>,
    /// How it speaks to the push services of browsers.
    pub web_push: Option<WebPushConfig>,
    /// The proxy by which its upstreams are reached.
    pub proxy: Option<Proxies>,
}

impl AppConfig {
    /// Makes an app that speaks to nobody yet.
    #[must_use]
    pub fn new(id: AppId) -> Self {
        Self {
            id,
            default_ttl: None,
            weight: 1,
            apns: None,
            fcm: None,
            mattermost: None,
            web_push: None,
            proxy: None,
        }
    }
}

/// How one app speaks to APNs.
pub struct ApnsConfig {
    /// Writes its requests and reads the answers.
    pub provider: Apns,
    /// Proves who the app is.
    pub credential: ApnsCredential,
}

/// What an app shows APNs to prove who it is.
pub enum ApnsCredential {
    /// The app shows provider tokens that this key signs.
    Token(Arc<SigningKey>),
    /// The app shows a certificate in the TLS handshake.
    Certificate(ClientCertificate),
}

impl ApnsCredential {
    /// The certificate, where that is what the app shows.
    #[must_use]
    pub(crate) fn certificate(&self) -> Option<&ClientCertificate> {
        match self {
            Self::Token(_) => None,
            Self::Certificate(certificate) => Some(certificate),
        }
    }

    /// Tells the credential apart from every other. It is no secret, and for no reader.
    #[must_use]
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Token(key) => format!("{:?}", key.identity()),
            Self::Certificate(certificate) => certificate.label(),
        }
    }

    /// Parses a signing key and its ids. `pem` is the text of the .p8 file.
    ///
    /// # Errors
    /// Fails if an id is none, or the key cannot sign.
    pub fn token(pem: &SecretString, key_id: &str, team_id: &str) -> Result<Self, CredentialError> {
        let (key_id, team_id) = (KeyId::parse(key_id)?, TeamId::parse(team_id)?);
        Ok(Self::Token(Arc::new(SigningKey::parse(pem, key_id, team_id)?)))
    }
}

/// How one app speaks to FCM.
pub struct FcmConfig {
    /// Writes its requests and reads the answers.
    pub provider: Fcm,
    /// Says where its access tokens come from.
    pub credential: Arc<Source>,
    /// What it shows FCM's mTLS host in the TLS handshake.
    pub certificate: Option<ClientCertificate>,
    /// How many pushes a minute this gateway sends to its project, where that is not what [`FcmUpstream`] says.
    ///
    /// [`FcmUpstream`]: super::FcmUpstream
    pub pushes_per_minute: Option<u32>,
}

impl FcmConfig {
    /// Tells what it shows apart from everything else. It is no secret, and for no reader.
    #[must_use]
    pub(crate) fn credential_name(&self) -> String {
        format!(
            "{:?} {:?}",
            self.credential.identity(),
            self.certificate.as_ref().map(ClientCertificate::label)
        )
    }
}

/// How one app speaks to a Mattermost push proxy.
pub struct MattermostConfig {
    /// Writes its requests and reads the answers.
    pub provider: Mattermost,
    /// Where the push proxy is.
    pub origin: Origin,
    /// Which HTTP it speaks.
    pub http: Http,
    /// The roots by which it is verified, where they are not those of all other upstreams.
    pub trust: Option<Trust>,
}

/// How one app speaks to the push services of browsers.
pub struct WebPushConfig {
    /// Writes its requests and reads the answers.
    pub provider: WebPush,
    /// Signs its VAPID tokens.
    pub application_server: Arc<ApplicationServer>,
    /// Allows endpoints whose names lead to addresses that are not public.
    pub private_addresses: bool,
    /// Which HTTP the push services speak.
    pub http: Http,
}
