use std::sync::atomic::{AtomicI64, Ordering};
use std::time::UNIX_EPOCH;

use fanfare_upstream::Origin;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

use super::*;
use crate::credential::{Credential, CredentialHandle};
use crate::metrics::CredentialMetrics;

const EPOCH_SECONDS: u64 = 1_700_000_000;

#[derive(Debug, serde::Deserialize)]
struct Decoded {
    iss: String,
    iat: u64,
}

fn ids() -> (KeyId, TeamId) {
    (KeyId::parse("ABC123DEFG").unwrap(), TeamId::parse("DEF123GHIJ").unwrap())
}

fn parse(pem: &str) -> Result<Arc<SigningKey>, CredentialError> {
    let (key_id, team_id) = ids();
    SigningKey::parse(&pem.to_owned().into(), key_id, team_id).map(Arc::new)
}

fn signing_key(key: &KeyPair) -> Arc<SigningKey> {
    parse(&key.serialize_pem()).unwrap()
}

fn p256() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

/// A token whose wall clock runs with tokio's, and jumps by `jump` seconds.
fn token(jump: &Arc<AtomicI64>) -> Arc<ProviderToken> {
    let (start, jump) = (Instant::now(), Arc::clone(jump));
    let wall = move || {
        let seconds = EPOCH_SECONDS + start.elapsed().as_secs();
        UNIX_EPOCH + Duration::from_secs(seconds.saturating_add_signed(jump.load(Ordering::Relaxed)))
    };
    Arc::new(ProviderToken::with_wall_clock(
        signing_key(&p256()),
        Box::new(wall),
        CredentialMetrics::default().provider_token(""),
    ))
}

async fn pass(minutes: u64) {
    tokio::time::sleep(Duration::from_secs(60 * minutes)).await;
}

#[test]
fn a_token_verifies_and_its_signature_is_64_raw_bytes() {
    let key = p256();
    let stamp = ProviderToken::new(signing_key(&key), CredentialMetrics::default().provider_token(""))
        .stamp()
        .unwrap();
    let jwt = stamp.authorization().strip_prefix("bearer ").unwrap();
    assert!(!format!("{stamp:?}").contains(jwt));

    let mut validation = Validation::new(Algorithm::ES256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    let public = DecodingKey::from_ec_pem(key.public_key_pem().as_bytes()).unwrap();
    let decoded = jsonwebtoken::decode::<Decoded>(jwt, &public, &validation).unwrap();
    assert_eq!(decoded.header.kid.as_deref(), Some("ABC123DEFG"));
    assert_eq!(decoded.header.typ, None);
    assert_eq!(decoded.claims.iss, "DEF123GHIJ");
    let age = SystemTime::now().duration_since(UNIX_EPOCH + Duration::from_secs(decoded.claims.iat));
    assert!(age.unwrap() < Duration::from_secs(60));

    let signature = jwt.rsplit('.').next().unwrap();
    let raw = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, signature).unwrap();
    assert_eq!(raw.len(), 64);
}

#[test]
fn a_bad_key_or_id_is_named_and_never_shown() {
    let new = |key: &str| parse(key).unwrap_err();
    assert!(matches!(new("no key"), CredentialError::Pem(_)));
    assert!(matches!(new(&p256().public_key_pem()), CredentialError::Pem(_)));
    let other = KeyPair::generate_for(&PKCS_ED25519).unwrap().serialize_pem();
    assert!(matches!(new(&other), CredentialError::Pem(_)));
    let other = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap().serialize_pem();
    let error = new(&other);
    assert!(matches!(error, CredentialError::NotP256(_)));
    assert_eq!(error.to_string(), "the key cannot sign ES256; expected one on the curve P-256");
    for id in ["", "short", "elevenchars", "with space", "ünvisible"] {
        assert!(KeyId::parse(id).is_err() && TeamId::parse(id).is_err(), "{id}");
    }
    let error = KeyId::parse("short").unwrap_err();
    assert_eq!(error.to_string(), "the key id is not 10 visible characters, found 5 characters");
}

#[test]
fn debug_shows_neither_key_nor_token() {
    let key = p256();
    let token = CredentialHandle::without_task(ProviderToken::new(
        signing_key(&key),
        CredentialMetrics::default().provider_token(""),
    ));
    let stamp = token.stamp();
    let shown = format!("{token:?} {stamp:?} {:?}", Credential::ProviderToken(token.clone()));
    assert!(!shown.contains("eyJ"), "{shown}");
    let secret = key.serialize_pem();
    assert!(secret.lines().filter(|line| !line.starts_with('-')).all(|line| !shown.contains(line)));
    assert!(shown.contains("ABC123DEFG"));
}

#[test]
fn a_certificate_stamps_nothing() {
    assert!(Credential::Certificate.stamp(&Origin::https("push.example")).is_none());
    assert_eq!(
        Credential::Certificate.renew(&Origin::https("push.example"), 0).unwrap(),
        Renewal::Impossible
    );
}

#[tokio::test(start_paused = true)]
async fn no_token_is_made_within_twenty_minutes_of_the_last() {
    let token = token(&Arc::default());
    assert_eq!(token.renew(0).unwrap(), Renewal::TooSoon);
    pass(20).await;
    assert_eq!(token.renew(0).unwrap(), Renewal::Renewed);
    assert_eq!(token.stamp().unwrap().generation(), 1);
    assert_eq!(token.renew(0).unwrap(), Renewal::Newer);
    assert_eq!(token.renew(1).unwrap(), Renewal::TooSoon);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_wishes_at_once_make_one_token() {
    let token = token(&Arc::default());
    pass(20).await;
    let made = AtomicI64::new(0);
    let runtime = tokio::runtime::Handle::current();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                // A thread sees the paused clock only inside the runtime.
                let _inside = runtime.enter();
                for _ in 0..125 {
                    if token.renew(0).unwrap() == Renewal::Renewed {
                        made.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(made.load(Ordering::Relaxed), 1);
    assert_eq!(token.stamp().unwrap().generation(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_kept_fresh_at_fifty_minutes_of_age() {
    let token = token(&Arc::default());
    let stop = CancellationToken::new();
    let task = tokio::spawn(Arc::clone(&token).keep_fresh(stop.clone()));
    pass(49).await;
    assert_eq!(token.stamp().unwrap().generation(), 0);
    pass(2).await;
    assert_eq!(token.stamp().unwrap().generation(), 1);
    pass(50).await;
    assert_eq!(token.stamp().unwrap().generation(), 2);
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_is_noticed_and_still_paced() {
    let jump = Arc::default();
    let token = token(&jump);
    let task = tokio::spawn(Arc::clone(&token).keep_fresh(CancellationToken::new()));
    // The clock was an hour fast when the token was made.
    jump.store(-3600, Ordering::Relaxed);
    pass(19).await;
    assert_eq!(token.stamp().unwrap().generation(), 0);
    pass(2).await;
    assert_eq!(token.stamp().unwrap().generation(), 1);
    // The machine slept for an hour.
    pass(21).await;
    jump.store(0, Ordering::Relaxed);
    pass(2).await;
    assert_eq!(token.stamp().unwrap().generation(), 2);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_held_token_stays_for_twenty_minutes() {
    let token = token(&Arc::default());
    let task = tokio::spawn(Arc::clone(&token).keep_fresh(CancellationToken::new()));
    pass(45).await;
    token.hold();
    assert_eq!(token.renew(0).unwrap(), Renewal::TooSoon);
    pass(19).await;
    assert_eq!(token.stamp().unwrap().generation(), 0);
    pass(2).await;
    assert_eq!(token.stamp().unwrap().generation(), 1);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_clock_before_1970_gives_no_token_until_it_is_set() {
    let jump = Arc::new(AtomicI64::new(0));
    let sees = Arc::clone(&jump);
    let clock = move || match sees.load(Ordering::Relaxed) {
        0 => UNIX_EPOCH - Duration::from_secs(1),
        seconds => UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs()),
    };
    let token = Arc::new(ProviderToken::with_wall_clock(
        signing_key(&p256()),
        Box::new(clock),
        CredentialMetrics::default().provider_token(""),
    ));
    let stop = CancellationToken::new();
    let task = tokio::spawn(Arc::clone(&token).keep_fresh(stop.clone()));
    pass(2).await;
    assert!(token.stamp().is_none());
    assert!(matches!(token.renew(0), Err(CredentialError::Clock)));
    jump.store(EPOCH_SECONDS.cast_signed(), Ordering::Relaxed);
    pass(2).await;
    assert_eq!(token.stamp().unwrap().generation(), 0);
    stop.cancel();
    task.await.unwrap();
}
