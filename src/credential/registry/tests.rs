use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use fanfare_simulator::{FcmSettings, Simulator};
use fanfare_upstream::{Http, Peer, Reach, SystemResolver, TcpDialer, Upstream, UpstreamSettings, tls};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use secrecy::SecretString;

use super::*;
use crate::credential::apns::{KeyId, TeamId};
use crate::credential::standing::RefusingAnswer;
use crate::metrics::Metrics;
use tokio::time::Instant;

/// No test waits longer for what must happen.
const SOON: Duration = Duration::from_secs(20);

fn pem() -> SecretString {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem().into()
}

fn signing_key(pem: &SecretString) -> Arc<SigningKey> {
    let (key_id, team_id) = (KeyId::parse("ABC123DEFG").unwrap(), TeamId::parse("DEF123GHIJ").unwrap());
    Arc::new(SigningKey::parse(pem, key_id, team_id).unwrap())
}

/// Whether both are handles of one credential.
fn is_same<T>(one: &CredentialHandle<T>, other: &CredentialHandle<T>) -> bool {
    std::ptr::eq::<T>(&**one, &**other)
}

fn registry() -> Registry {
    Registry::new(Metrics::default().credentials)
}

impl Registry {
    /// Waits until every task has ended, without telling one to end.
    async fn tasks_end(&self) {
        self.tasks.close();
        tokio::time::timeout(SOON, self.tasks.wait()).await.expect("a task goes on");
        self.tasks.reopen();
    }
}

#[tokio::test]
async fn the_same_key_is_one_credential_however_often_it_is_read() {
    let (registry, pem) = (registry(), pem());
    let first = registry.provider_token(&signing_key(&pem));
    let again = registry.provider_token(&signing_key(&pem));
    assert!(is_same(&first, &again));
    assert!(Arc::ptr_eq(&first.stamp().unwrap(), &again.stamp().unwrap()));
    assert_eq!(registry.tasks.len(), 1);
}

#[tokio::test]
async fn the_same_key_is_one_credential_whether_its_file_holds_the_public_key_or_not() {
    /// PKCS #8 of a key on P-256, up to the 32 bytes of the private key, with nothing behind them.
    const BEFORE: &[u8] =
        b"\x30\x41\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\
        \x3d\x03\x01\x07\x04\x27\x30\x25\x02\x01\x01\x04\x20";
    let private = include_str!("../../../tests/data/vapid/private.key").trim();
    let der = [BEFORE, &URL_SAFE_NO_PAD.decode(private).unwrap()].concat();
    let bare = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der));
    let whole = include_str!("../../../tests/data/vapid/pkcs8.pem");
    let registry = registry();
    let [one, other] =
        [whole, &bare].map(|pem| registry.provider_token(&signing_key(&pem.to_owned().into())));
    assert!(is_same(&one, &other));
}

#[tokio::test]
async fn another_key_under_the_same_ids_is_another_credential() {
    let registry = registry();
    let first = registry.provider_token(&signing_key(&pem()));
    let other = registry.provider_token(&signing_key(&pem()));
    assert!(!is_same(&first, &other));
    assert_eq!(registry.tasks.len(), 2);
}

#[tokio::test]
async fn the_task_ends_with_the_last_handle_and_the_credential_is_forgotten() {
    let (registry, key) = (registry(), signing_key(&pem()));
    let first = registry.provider_token(&key);
    let again = first.clone();
    let stamp = first.stamp().unwrap();
    drop(first);
    assert_eq!(registry.tasks.len(), 1);
    drop(again);
    registry.tasks_end().await;
    let later = registry.provider_token(&key);
    assert!(!Arc::ptr_eq(&stamp, &later.stamp().unwrap()));
    // The entries of credentials that are gone go when another one comes.
    for _ in 0..100 {
        drop(registry.provider_token(&signing_key(&pem())));
    }
    assert!(registry.credentials().provider_tokens.len() <= 2);
}

#[tokio::test]
async fn a_shutdown_awaits_every_task_and_leaves_the_tokens() {
    let registry = registry();
    let held = [registry.provider_token(&signing_key(&pem())), registry.provider_token(&signing_key(&pem()))];
    tokio::time::timeout(SOON, registry.shut_down()).await.unwrap();
    assert_eq!(registry.tasks.len(), 0);
    assert!(held.iter().all(|token| token.stamp().is_some()));
    // Whoever comes too late gets a credential that nothing renews.
    let late = registry.provider_token(&signing_key(&pem()));
    registry.tasks_end().await;
    assert!(late.stamp().is_some());
}

#[tokio::test]
async fn an_application_server_is_told_by_its_key_and_its_subject() {
    let (registry, key) = (registry(), pem());
    let vapid = |key: &SecretString, subject: &str| {
        registry.vapid(&Arc::new(ApplicationServer::parse(key, subject).unwrap()), 8)
    };
    let first = vapid(&key, "mailto:push@example.com");
    assert!(is_same(&first, &vapid(&key, "mailto:push@example.com")));
    assert!(!is_same(&first, &vapid(&key, "mailto:other@example.com")));
    assert!(!is_same(&first, &vapid(&pem(), "mailto:push@example.com")));
}

/// Google, and the way to its token endpoint.
struct Google {
    simulator: Simulator,
    endpoint: PeerPool,
    _upstream: Upstream,
}

impl Google {
    async fn start() -> Self {
        let simulator = Simulator::builder().fcm(FcmSettings::default()).start().await.unwrap();
        let (resolver, dialer) = (Arc::new(SystemResolver), Arc::new(TcpDialer));
        let metrics = Metrics::default().upstream;
        let upstream = Upstream::new(UpstreamSettings::default(), resolver, dialer, metrics);
        let mut roots = rustls::RootCertStore::empty();
        for root in tls::parse_certificates(simulator.ca_pem().as_bytes()).unwrap() {
            roots.add(root).unwrap();
        }
        let endpoint = upstream.peer(Peer {
            origin: simulator.fcm().origin().parse().unwrap(),
            identity: "".into(),
            tls: tls::client_config(Arc::new(roots), None, Http::Either).unwrap(),
            http: Http::Either,
            proxy: None,
            reach: Reach::Anywhere,
            proves_credential: false,
        });
        Self { simulator, endpoint: endpoint.unwrap(), _upstream: upstream }
    }

    fn issued(&self) -> u64 {
        self.simulator.counters().access_tokens_issued
    }
}

#[tokio::test]
async fn a_source_that_is_read_again_keeps_its_token_and_fetches_no_other() {
    let (google, registry) = (Google::start().await, registry());
    let key_json = google.simulator.fcm().add_service_account(&["demo-project"]).unwrap().key_json();
    let read = || Arc::new(Source::from_json(&key_json.clone().into()).unwrap());
    let first = registry.access_token(&read(), google.endpoint.clone());
    first.ready(Instant::now() + SOON, None).await.unwrap();
    let again = registry.access_token(&read(), google.endpoint.clone());
    drop(first);
    assert_eq!(again.stamp().unwrap().generation(), 1);
    again.ready(Instant::now() + SOON, None).await.unwrap();
    assert_eq!((google.issued(), registry.tasks.len()), (1, 1));

    // At another endpoint the same file is another source.
    let elsewhere = read().endpoint().to_string() + "?other";
    let elsewhere =
        Source::from_json(&key_json.clone().into()).unwrap().with_endpoint(elsewhere.parse().unwrap());
    let other = registry.access_token(&Arc::new(elsewhere), google.endpoint.clone());
    assert!(!is_same(&other, &again));

    // When nobody needs the credential any more, the task ends, and whoever needs it later fetches a token.
    drop((again, other));
    registry.tasks_end().await;
    let before = google.issued();
    let later = registry.access_token(&read(), google.endpoint.clone());
    later.ready(Instant::now() + SOON, None).await.unwrap();
    assert_eq!(google.issued(), before + 1);
}

#[tokio::test]
async fn a_credential_that_no_app_shows_any_more_is_not_counted_as_refused() {
    let metrics = Metrics::default();
    let standings = Standings::new(metrics.credentials.clone());
    let standing = standings.of_certificate("00ff", "apns production");
    standing.shut(RefusingAnswer { status: None, reason: String::new(), detail: String::new() });
    let labels = r#"{credential="certificate 00ff",place="apns production"}"#;
    let refused = |count: u32| format!("fanfare_credential_refused{labels} {count}\n");
    assert!(metrics.page().contains(&refused(1)));
    drop(standing);
    assert!(metrics.page().contains(&refused(0)));
}
