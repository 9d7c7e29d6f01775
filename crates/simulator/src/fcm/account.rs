//! Who may ask for access tokens: service accounts with their keys, and users with refresh tokens.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::json;
use uuid::Uuid;

use crate::error::SimulatorError;
use crate::sync::lock;

/// The key of a service account, as its owner holds it.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    /// The project that it belongs to.
    pub project_id: String,
    /// The name of the account, which is `iss` of its assertions.
    pub client_email: String,
    /// The id of the key, which is `kid` of its assertions.
    pub private_key_id: String,
    /// The private key: RSA of 2048 bits as PKCS#8 PEM.
    pub private_key_pem: String,
    /// The address of the token endpoint.
    pub token_uri: String,
}

impl ServiceAccount {
    /// Writes the key file. Source: Google, "Create and delete service account keys".
    pub fn key_json(&self) -> String {
        let key = json!({
            "type": "service_account",
            "project_id": self.project_id,
            "private_key_id": self.private_key_id,
            "private_key": self.private_key_pem,
            "client_email": self.client_email,
            "client_id": "100000000000000000001",
            "token_uri": self.token_uri,
        });
        format!("{key:#}\n")
    }
}

/// The credentials of a user, as `gcloud auth application-default login` leaves them.
#[derive(Clone, Debug)]
pub struct AuthorizedUser {
    /// The id of the OAuth client.
    pub client_id: String,
    /// The secret of the OAuth client.
    pub client_secret: String,
    /// The token that stands for the consent of the user.
    pub refresh_token: String,
    /// The address of the token endpoint.
    pub token_uri: String,
}

impl AuthorizedUser {
    /// Writes the credentials file. Google's own names no token endpoint; this one does, so that clients ask the
    /// simulator.
    pub fn json(&self) -> String {
        let file = json!({
            "type": "authorized_user",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
            "token_uri": self.token_uri,
        });
        format!("{file:#}\n")
    }
}

/// An account as Google knows it.
pub(super) struct Account {
    pub(super) email: String,
    /// The projects for which it has the role "Firebase Cloud Messaging API Admin".
    pub(super) projects: Vec<String>,
    disabled: AtomicBool,
    /// The key that signs its ID tokens, which is made when the first is asked for. It is `None` if no key could be
    /// made.
    identity: OnceLock<Option<EncodingKey>>,
}

impl Account {
    fn new(email: String, projects: Vec<String>) -> Arc<Self> {
        Arc::new(Self { email, projects, disabled: AtomicBool::new(false), identity: OnceLock::new() })
    }

    /// Signs an ID token that is good for an hour, with a key that nobody publishes. Source: Google, "Verify the
    /// identity of a VM".
    pub(super) fn id_token(&self, audience: &str, now_s: u64) -> Option<String> {
        let key = self.identity.get_or_init(|| {
            let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).ok()?;
            EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).ok()
        });
        let claims = json!({
            "iss": "https://accounts.google.com",
            "aud": audience,
            "azp": "100000000000000000002",
            "sub": "100000000000000000002",
            "email": self.email,
            "email_verified": true,
            "iat": now_s,
            "exp": now_s + 3600,
        });
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, key.as_ref()?).ok()
    }

    pub(super) fn is_disabled(&self) -> bool {
        self.disabled.load(Ordering::SeqCst)
    }
}

pub(super) struct AssertionKey {
    pub(super) account: Arc<Account>,
    pub(super) id: String,
    pub(super) public: DecodingKey,
}

pub(super) struct User {
    pub(super) account: Arc<Account>,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    revoked: AtomicBool,
}

impl User {
    pub(super) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::SeqCst)
    }
}

/// All accounts.
pub(super) struct Accounts {
    /// The account of the machine whose metadata server is simulated.
    pub(super) machine: Arc<Account>,
    keys: Mutex<HashMap<String, Arc<AssertionKey>>>,
    users: Mutex<HashMap<String, Arc<User>>>,
}

impl Accounts {
    pub(super) fn new(machine_project: &str) -> Self {
        let email = format!("machine@{machine_project}.iam.gserviceaccount.com");
        let machine = Account::new(email, vec![machine_project.to_owned()]);
        Self { machine, keys: Mutex::default(), users: Mutex::default() }
    }

    pub(super) fn add_key(
        &self,
        projects: &[&str],
        token_uri: &str,
    ) -> Result<ServiceAccount, SimulatorError> {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let project_id = projects.first().copied().unwrap_or_default().to_owned();
        let mut keys = lock(&self.keys);
        let client_email = format!("sender-{}@{project_id}.iam.gserviceaccount.com", keys.len() + 1);
        let private_key_id = Uuid::new_v4().simple().to_string();
        let key = AssertionKey {
            account: Account::new(client_email.clone(), owned(projects)),
            id: private_key_id.clone(),
            public: DecodingKey::from_rsa_der(pair.public_key_raw()),
        };
        keys.insert(client_email.clone(), Arc::new(key));
        Ok(ServiceAccount {
            project_id,
            client_email,
            private_key_id,
            private_key_pem: pair.serialize_pem(),
            token_uri: token_uri.to_owned(),
        })
    }

    pub(super) fn key(&self, email: &str) -> Option<Arc<AssertionKey>> {
        lock(&self.keys).get(email).cloned()
    }

    /// Disables an account, which gets no more tokens.
    pub(super) fn disable(&self, email: &str) {
        if let Some(key) = self.key(email) {
            key.account.disabled.store(true, Ordering::SeqCst);
        }
    }

    /// Enables an account again.
    pub(super) fn enable(&self, email: &str) {
        if let Some(key) = self.key(email) {
            key.account.disabled.store(false, Ordering::SeqCst);
        }
    }

    pub(super) fn add_user(&self, projects: &[&str], token_uri: &str) -> AuthorizedUser {
        let mut users = lock(&self.users);
        let number = users.len() + 1;
        let user = AuthorizedUser {
            client_id: format!("{number}-simulated.apps.googleusercontent.com"),
            client_secret: Uuid::new_v4().simple().to_string(),
            refresh_token: format!("1//{}", Uuid::new_v4().simple()),
            token_uri: token_uri.to_owned(),
        };
        let known = User {
            account: Account::new(format!("user-{number}@example.com"), owned(projects)),
            client_id: user.client_id.clone(),
            client_secret: user.client_secret.clone(),
            revoked: AtomicBool::new(false),
        };
        users.insert(user.refresh_token.clone(), Arc::new(known));
        user
    }

    pub(super) fn user(&self, refresh_token: &str) -> Option<Arc<User>> {
        lock(&self.users).get(refresh_token).cloned()
    }

    pub(super) fn has_client(&self, client_id: &str) -> bool {
        lock(&self.users).values().any(|user| user.client_id == client_id)
    }

    /// Withdraws the consent of a user.
    pub(super) fn revoke_refresh_token(&self, refresh_token: &str) {
        if let Some(user) = self.user(refresh_token) {
            user.revoked.store(true, Ordering::SeqCst);
        }
    }
}

fn owned(projects: &[&str]) -> Vec<String> {
    projects.iter().map(|project| (*project).to_owned()).collect()
}
