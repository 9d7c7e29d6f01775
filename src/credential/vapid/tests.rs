use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, TokenData, Validation};
use proptest::prelude::*;

use super::pace::{FURTHEST_END, LIFE, MIN_INTERVAL};
use super::*;
use crate::credential::{Credential, CredentialHandle};

const KEY: &str = include_str!("../../../tests/data/vapid/pkcs8.pem");
const PUBLIC: &str = include_str!("../../../tests/data/vapid/public.key");
const SUBJECT: &str = "mailto:push@example.com";
const EPOCH_SECONDS: u64 = 1_700_000_000;
const HOUR: Duration = Duration::from_secs(60 * 60);

#[derive(Debug, serde::Deserialize)]
struct Decoded {
    aud: String,
    exp: u64,
    sub: String,
}

/// What a push service does with the header: whatever is false ends the test. The clock is not looked at.
fn verified(header: &str) -> TokenData<Decoded> {
    let (token, key) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
    let point = URL_SAFE_NO_PAD.decode(key).unwrap();
    let public = DecodingKey::from_ec_der(&point);
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    let data = jsonwebtoken::decode::<Decoded>(token, &public, &validation).unwrap();
    assert_eq!((point.len(), point[0]), (65, 4));
    assert_eq!(data.header.typ.as_deref(), Some("JWT"));
    data
}

fn origin(text: &str) -> Origin {
    text.parse().unwrap()
}

fn made(stamp: &Stamp) -> (u64, Decoded) {
    (stamp.generation(), verified(stamp.authorization()).claims)
}

fn server_of(key: &str, subject: &str) -> Result<ApplicationServer, CredentialError> {
    ApplicationServer::parse(&key.to_owned().into(), subject)
}

fn server() -> Arc<ApplicationServer> {
    Arc::new(server_of(KEY, SUBJECT).unwrap())
}

/// The test sets the wall clock of these tokens.
fn vapid(wall: &Arc<AtomicU64>, max_origins: usize) -> Vapid {
    wall.store(EPOCH_SECONDS, Ordering::Relaxed);
    let wall = Arc::clone(wall);
    let clock = move || UNIX_EPOCH + Duration::from_secs(wall.load(Ordering::Relaxed));
    Vapid::with_wall_clock(server(), max_origins, Box::new(clock))
}

/// Both clocks run.
async fn pass(wall: &AtomicU64, time: Duration) {
    wall.fetch_add(time.as_secs(), Ordering::Relaxed);
    tokio::time::advance(time).await;
}

/// Source: RFC 8292, section 2.4.
#[test]
fn the_token_of_the_rfc_verifies_as_ours_do() {
    let header = "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA, k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
    let claims = verified(header).claims;
    assert_eq!(claims.aud, "https://push.example.net");
    assert_eq!((claims.exp, claims.sub.as_str()), (1_453_523_768, "mailto:push@example.com"));
}

#[test]
fn a_token_names_the_origin_the_end_and_the_contact_and_verifies() {
    let vapid = Vapid::new(server(), 8);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    for (endpoint, aud) in [
        ("https://updates.push.services.mozilla.com", "https://updates.push.services.mozilla.com"),
        ("https://Web.Push.Apple.com:443/", "https://web.push.apple.com"),
        ("https://push.example:8443", "https://push.example:8443"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ] {
        let stamp = vapid.stamp(&origin(endpoint)).unwrap();
        let header = stamp.authorization();
        assert!(!format!("{stamp:?}").contains("vapid"));
        assert!(header.ends_with(&format!(", k={}", PUBLIC.trim())), "{header}");
        let claims = verified(header).claims;
        assert_eq!((claims.aud.as_str(), claims.sub.as_str()), (aud, SUBJECT));
        assert!((now + LIFE..now + LIFE + 60).contains(&claims.exp));
    }
}

#[test]
fn keys_and_subjects_that_cannot_be_used_are_said() {
    let subject = |subject| server_of(KEY, subject).map(|_| ());
    for good in ["mailto:a@b", "https://example.com/contact?by=push", "https://[::1]"] {
        subject(good).unwrap();
    }
    for bad in [
        "",
        "push@example.com",
        "mailto:",
        "mailto:push",
        "mailto:@example.com",
        "mailto:a b@c",
        "mailto:mailto:a@b",
        "http://e.com",
    ]
    .into_iter()
    .chain(["https://", "https:example.com", "https://exämple.com", "mailto:a@b\n"])
    {
        let error = subject(bad).unwrap_err();
        assert!(matches!(error, CredentialError::Subject { .. }), "{bad}: {error}");
        assert!(error.to_string().ends_with(&format!("found {bad:?}")), "{error}");
    }
    let error = server_of(PUBLIC, SUBJECT).unwrap_err();
    assert!(matches!(error, CredentialError::VapidKey { found: "a public key" }));
}

#[test]
fn debug_shows_neither_key_nor_token() {
    let vapid = CredentialHandle::without_task(Vapid::new(server(), 1));
    let stamp = vapid.stamp(&origin("https://push.example")).unwrap();
    let shown = format!("{vapid:?} {stamp:?} {:?}", Credential::Vapid(vapid.clone()));
    assert!(!shown.contains("eyJ"), "{shown}");
    assert!(KEY.lines().filter(|line| !line.starts_with('-')).all(|line| !shown.contains(line)));
    assert!(shown.contains(PUBLIC.trim()), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_token_serves_its_origin_for_six_hours() {
    let wall = Arc::default();
    let vapid = vapid(&wall, 8);
    let (one, other) = (origin("https://one.example"), origin("https://other.example"));
    let first = vapid.stamp(&one).unwrap();
    assert_eq!(first.generation(), 0);
    pass(&wall, 3 * HOUR).await;
    // Generations count the tokens of the credential, not of an origin.
    assert_eq!(vapid.stamp(&other).unwrap().generation(), 1);
    pass(&wall, 3 * HOUR - Duration::from_secs(1)).await;
    assert!(Arc::ptr_eq(&first, &vapid.stamp(&one).unwrap()));
    pass(&wall, Duration::from_secs(1)).await;
    let (generation, claims) = made(&vapid.stamp(&one).unwrap());
    assert_eq!((generation, claims.exp), (2, EPOCH_SECONDS + LIFE + LIFE / 2));
    assert_eq!(vapid.stamp(&other).unwrap().generation(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once_an_hour_at_most() {
    let wall = Arc::default();
    let vapid = vapid(&wall, 8);
    let one = origin("https://one.example");
    assert_eq!(vapid.stamp(&one).unwrap().generation(), 0);
    assert_eq!(vapid.renew(&one, 0).unwrap(), Renewal::TooSoon);
    pass(&wall, HOUR - Duration::from_millis(1)).await;
    assert_eq!(vapid.renew(&one, 0).unwrap(), Renewal::TooSoon);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(vapid.renew(&one, 0).unwrap(), Renewal::Renewed);
    assert_eq!(vapid.renew(&one, 0).unwrap(), Renewal::Newer);
    assert_eq!(vapid.renew(&one, 1).unwrap(), Renewal::TooSoon);
    assert_eq!(vapid.stamp(&one).unwrap().generation(), 1);
    // Of an origin that was never asked for there is none to be newer than.
    assert_eq!(vapid.renew(&origin("https://other.example"), 1).unwrap(), Renewal::Renewed);
    assert_eq!(vapid.stamp(&origin("https://other.example")).unwrap().generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn origins_that_were_not_sent_to_for_longest_are_forgotten() {
    let wall = Arc::default();
    let vapid = vapid(&wall, 2);
    let stamp = |name: &str| vapid.stamp(&origin(&format!("https://{name}.example"))).unwrap().generation();
    assert_eq!((stamp("a"), stamp("b"), stamp("a"), stamp("c")), (0, 1, 0, 2));
    assert_eq!((stamp("a"), stamp("b"), stamp("c")), (0, 3, 4));
    for number in 0..1000 {
        stamp(&format!("n{number}"));
    }
    assert_eq!(vapid.tokens().by_origin.len(), 2);
    vapid.keep_at_most(1);
    assert_eq!(vapid.tokens().by_origin.len(), 1);
    assert_eq!(stamp("n999"), 1004);
    // Room for none is room for one.
    let one = self::vapid(&wall, 0);
    assert_eq!(one.stamp(&origin("https://a.example")).unwrap().generation(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_wishes_at_once_make_one_token() {
    let wall = Arc::default();
    let vapid = vapid(&wall, 8);
    let origin = origin("https://one.example");
    let _ = vapid.stamp(&origin);
    pass(&wall, 7 * HOUR).await;
    let runtime = tokio::runtime::Handle::current();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                // A thread sees the paused clock only inside the runtime.
                let _inside = runtime.enter();
                for _ in 0..125 {
                    assert_eq!(vapid.stamp(&origin).unwrap().generation(), 1);
                }
            });
        }
    });
    assert_eq!(vapid.tokens().made, 2);
}

#[tokio::test(start_paused = true)]
async fn a_clock_before_1970_makes_a_token_all_the_same() {
    let clock = || UNIX_EPOCH - Duration::from_secs(1);
    let vapid = Vapid::with_wall_clock(server(), 1, Box::new(clock));
    let (_, claims) = made(&vapid.stamp(&origin("https://one.example")).unwrap());
    assert_eq!(claims.exp, LIFE);
}

/// What happens to the clocks between two requests.
#[derive(Debug, Clone)]
enum Move {
    /// Both run.
    Pass(u64),
    /// The wall clock is set, or the machine slept.
    Set(i64),
    /// The push service refuses the token.
    Refuse,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let day = 86_400i64;
    let one = prop_oneof![
        (0..86_400u64).prop_map(Move::Pass),
        (0u64..7200).prop_map(Move::Pass),
        (-2 * day..2 * day).prop_map(Move::Set),
        (-40_000_000i64..40_000_000).prop_map(Move::Set),
        Just(Move::Refuse),
    ];
    proptest::collection::vec(one, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the clocks move: a request never carries a token that has ended, or whose end is more than 24 hours
    /// ahead; generations only grow; and a refusal alone never makes two tokens within an hour.
    #[test]
    fn no_request_carries_a_token_that_the_clock_forbids(moves in moves()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let wall = Arc::default();
            let (vapid, origin) = (vapid(&wall, 1), origin("https://one.example"));
            let (mut last, mut renewed_at) = (0, None::<Instant>);
            for step in moves {
                match step {
                    Move::Pass(seconds) => pass(&wall, Duration::from_secs(seconds)).await,
                    Move::Set(by) => {
                        let now = wall.load(Ordering::Relaxed);
                        wall.store(now.saturating_add_signed(by), Ordering::Relaxed);
                    }
                    Move::Refuse => {
                        if vapid.renew(&origin, last).unwrap() == Renewal::Renewed {
                            let apart = renewed_at.map(|before| before.elapsed());
                            assert!(apart.is_none_or(|apart| apart >= MIN_INTERVAL), "{apart:?}");
                            renewed_at = Some(Instant::now());
                        }
                    }
                }
                let now = wall.load(Ordering::Relaxed);
                let (generation, claims) = made(&vapid.stamp(&origin).unwrap());
                assert!(now < claims.exp && claims.exp <= now + FURTHEST_END, "{} at {now}", claims.exp);
                assert!(generation >= last);
                last = generation;
            }
        });
    }
}
