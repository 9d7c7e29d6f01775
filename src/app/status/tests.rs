//! What is said of an app whose parts look like this.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fanfare_upstream::tls::ClientIdentity;
use fanfare_upstream::{ConnectError, LeftAloneLook, PaceLook, PeerFailure, PeerKind, PeerLook, Symptom};
use tokio::time::Instant;

use super::findings::Surroundings;
use super::history::{History, Outcomes};
use super::{credentials, verdict};
use crate::app::certificates::CertificateLook;
use crate::credential::{RefusalLook, RefusingAnswer, StandingLook, TokenLook};
use crate::dispatch::RouteLook;
use crate::provider::Provider;
use crate::provider::fcm::Fcm;
use crate::push::{AppId, Outcome};
use crate::status::{AppHealth, AppStatus, Fault, LatencyCounts};

/// An app on FCM of which nothing is known to be wrong.
fn route() -> RouteLook {
    RouteLook {
        app: AppId::parse("shop").unwrap(),
        provider: Fcm::KIND,
        outcomes: Outcomes::default(),
        attempts: 1,
        latency: LatencyCounts::default(),
        standings: vec![standing("fcm project demo"), standing("token endpoint")],
        peers: vec![peer()],
        part: None,
        pace: None,
        suspects: None,
    }
}

fn standing(place: &str) -> StandingLook {
    StandingLook {
        credential: "the account sender".to_owned(),
        label: "sender".to_owned(),
        place: place.to_owned(),
        refusal: None,
    }
}

fn refused(place: &str, reason: &str, detail: &str) -> StandingLook {
    let answer = RefusingAnswer { status: Some(403), reason: reason.to_owned(), detail: detail.to_owned() };
    StandingLook { refusal: Some(RefusalLook { since: Instant::now(), answer }), ..standing(place) }
}

fn peer() -> PeerLook {
    PeerLook {
        origin: "https://fcm.example".parse().unwrap(),
        identity: "".into(),
        kind: PeerKind::Configured,
        connecting: 0,
        connections: Vec::new(),
        waiting: 0,
        failure: None,
        left_alone: None,
        pace: None,
        retries_left: 0,
    }
}

#[derive(Default)]
struct Around {
    minute: Outcomes,
    tokens: Vec<TokenLook>,
    certificates: Vec<CertificateLook>,
    now: Option<SystemTime>,
}

fn verdict(route: &RouteLook, around: &Around) -> AppStatus {
    let Around { minute, tokens, certificates, now } = around;
    let now = now.unwrap_or_else(SystemTime::now);
    let surroundings = Surroundings { now, minute, tokens, certificates, problems: &[] };
    verdict::of(route, &surroundings, &mut History::default())
}

/// Holds a verdict against its health, a part of its sentence, and a part of its remedy.
fn assert_told(told: &AppStatus, health: AppHealth, sentence: &str, remedy: &str) {
    assert_eq!(told.health, health, "{told:?}");
    assert!(told.sentence.contains(sentence), "{}", told.sentence);
    assert!(told.remedy.contains(remedy), "{}", told.remedy);
}

#[test]
fn where_nothing_is_wrong_nothing_is_to_be_done() {
    let told = verdict(&route(), &Around::default());
    assert_eq!((told.health, &*told.sentence, &*told.remedy), (AppHealth::Well, "FCM takes its pushes.", ""));
    let unused = verdict(&RouteLook { attempts: 0, ..route() }, &Around::default());
    assert_eq!(unused.health, AppHealth::Unused);
}

#[test]
fn a_refusal_for_a_topic_troubles_and_one_for_all_fails_and_comes_first() {
    let topic =
        refused("apns production, topic com.example", "TopicDisallowed", "it may not; correct the topics");
    let told = verdict(&RouteLook { standings: vec![topic.clone()], ..route() }, &Around::default());
    assert_told(&told, AppHealth::Troubled, "in production, topic com.example since", "Correct the topics.");
    let all = refused("token endpoint", "", "Google does not know the key");
    let told = verdict(&RouteLook { standings: vec![topic, all], ..route() }, &Around::default());
    let sentence = "Google refuses the account sender at the token endpoint since ";
    assert_told(&told, AppHealth::Failing, sentence, "Upload a credential");
    assert!(told.sentence.ends_with(" UTC: Google does not know the key (403)."), "{}", told.sentence);
    assert_eq!(told.also.len(), 1);
}

#[test]
fn a_peer_that_fails_is_named_with_where_to_look() {
    let resolve = ConnectError::Resolve { host: "fcm.example".into(), source: io::Error::other("no name") };
    let timeout = ConnectError::Timeout { host: "fcm.example".into(), seconds: 10.0 };
    let left_alone = Some(LeftAloneLook { since: Instant::now(), retry_after: Duration::from_secs(1) });
    for (failure, said, remedy) in [
        (PeerFailure::Connect(Arc::new(resolve)), "cannot resolve fcm.example", "name server"),
        (PeerFailure::Connect(Arc::new(timeout)), "no connection within 10 s", "firewall"),
        (PeerFailure::Symptom(Symptom::NoAnswer), "no answers come", "what stands between"),
        (PeerFailure::Symptom(Symptom::Status(503)), "it answers 503", "its own status page"),
    ] {
        let failing = PeerLook { failure: Some(failure), left_alone, ..peer() };
        let told = verdict(&RouteLook { peers: vec![failing.clone()], ..route() }, &Around::default());
        assert_told(&told, AppHealth::Failing, "FCM at https://fcm.example fails since ", remedy);
        assert!(told.sentence.contains(said), "{}", told.sentence);
        let doubtful = PeerLook { left_alone: None, ..failing };
        let told = verdict(&RouteLook { peers: vec![doubtful], ..route() }, &Around::default());
        assert_told(&told, AppHealth::Troubled, said, remedy);
    }
}

#[test]
fn an_access_token_that_is_not_renewed_troubles_until_the_last_one_ends() {
    let token = |expires_at| TokenLook {
        label: "sender".to_owned(),
        kind: "access token",
        made_at: None,
        expires_at,
        failure: Some("the token endpoint answers 500".to_owned()),
    };
    let around = |expires_at| Around { tokens: vec![token(expires_at)], ..Around::default() };
    let good = Instant::now() + Duration::from_secs(600);
    let told = verdict(&route(), &around(Some(good)));
    assert_told(&told, AppHealth::Troubled, "answers 500; the last one is good until ", "token endpoint");
    assert_told(&verdict(&route(), &around(None)), AppHealth::Failing, "answers 500.", "token endpoint");
}

#[test]
fn a_certificate_troubles_thirty_days_before_it_ends_and_then_fails() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let validity = ClientIdentity::from_pem(pem.as_bytes(), key.as_bytes()).unwrap().validity();
    let day = Duration::from_secs(24 * 60 * 60);
    let told = |now| {
        let owner = Some((AppId::parse("shop").unwrap(), Fcm::KIND));
        let certificates =
            vec![CertificateLook { owner, listener: "".into(), label: String::new(), validity }];
        verdict(&route(), &Around { certificates, now: Some(now), ..Around::default() })
    };
    assert_eq!(told(validity.until() - 31 * day).health, AppHealth::Well);
    assert_told(&told(validity.until() - day), AppHealth::Troubled, "ends at", "Replace");
    assert_told(&told(validity.until() + day), AppHealth::Failing, "ended at", "Replace");
}

#[test]
fn what_a_service_asks_for_and_what_becomes_of_targets_is_told() {
    let pace = PaceLook {
        origin: "fcm".to_owned(),
        identity: "project demo".to_owned(),
        per_second: 411.96,
        limited_since: Some(Instant::now()),
        waiting: 7,
    };
    let told = verdict(&RouteLook { pace: Some(pace.clone()), ..route() }, &Around::default());
    assert_told(&told, AppHealth::Troubled, ": 412 pushes a second leave, and 7 wait.", "quota");
    let quota = PaceLook { limited_since: None, ..pace };
    let told = verdict(&RouteLook { pace: Some(quota), ..route() }, &Around::default());
    assert_eq!(told.health, AppHealth::Well, "a quota is no trouble");
    let told = verdict(&RouteLook { suspects: Some("the app's project"), ..route() }, &Around::default());
    assert_told(&told, AppHealth::Failing, "set them aside", "Check the app's project");
}

#[test]
fn where_nothing_else_says_it_the_outcomes_of_the_last_minute_do() {
    let minute = |accepted, invalid| {
        let mut minute = Outcomes::default();
        minute[Outcome::Accepted as usize] = accepted;
        minute[Outcome::InvalidPush as usize] = invalid;
        Around { minute, ..Around::default() }
    };
    assert_eq!(verdict(&route(), &minute(0, 9)).health, AppHealth::Well, "nine say nothing");
    assert_eq!(verdict(&route(), &minute(10, 10)).health, AppHealth::Well);
    let told = verdict(&route(), &minute(9, 11));
    assert_told(
        &told,
        AppHealth::Troubled,
        "Of 20 pushes in the last minute 11 were not accepted",
        "problems",
    );
}

#[test]
fn samples_tell_what_happened_since_the_one_before_and_a_minute_of_each_app() {
    let mut history = History::default();
    let seen = |accepted| {
        let mut outcomes = Outcomes::default();
        outcomes[Outcome::Accepted as usize] = accepted;
        RouteLook { outcomes, ..route() }
    };
    let begun = Instant::now();
    // An app that is there before the first sample, counts on, and begins anew.
    for (number, accepted) in (0..).zip([5, 8, 8, 2]) {
        history.sample(begun + number * Duration::from_secs(5), &[seen(accepted)], &[]);
    }
    let series = serde_json::to_value(history.series()).unwrap();
    assert_eq!(series["per_second"]["accepted"], serde_json::json!([0.6, 0.0, 0.4]));
    assert_eq!(history.last_minute(&seen(4))[Outcome::Accepted as usize], 5 + 3 + 2 + 2);
    for number in 4..16 {
        history.sample(begun + number * Duration::from_secs(5), &[seen(2)], &[]);
    }
    assert_eq!(history.last_minute(&seen(2))[Outcome::Accepted as usize], 0, "a minute has passed");
}

#[test]
fn each_trouble_says_whose_fault_it_is_and_since_when() {
    let left_alone = Some(LeftAloneLook { since: Instant::now(), retry_after: Duration::from_secs(1) });
    let timeout = ConnectError::Timeout { host: "fcm.example".into(), seconds: 10.0 };
    let failing = |failure, left_alone| {
        let peers = vec![PeerLook { failure: Some(failure), left_alone, ..peer() }];
        RouteLook { peers, ..route() }
    };
    let standings = vec![refused("fcm project demo", "PERMISSION_DENIED", "it may not")];
    let mut minute = Outcomes::default();
    minute[Outcome::NotAttempted as usize] = 20;
    let nothing = Around::default();
    for (route, around, fault) in [
        (RouteLook { standings, ..route() }, &nothing, Fault::Operator),
        (failing(PeerFailure::Connect(Arc::new(timeout)), left_alone), &nothing, Fault::Network),
        (failing(PeerFailure::Symptom(Symptom::Status(503)), left_alone), &nothing, Fault::Upstream),
        (failing(PeerFailure::Symptom(Symptom::NoAnswer), None), &nothing, Fault::Upstream),
        (RouteLook { suspects: Some("the project"), ..route() }, &nothing, Fault::Operator),
        (route(), &Around { minute, ..Around::default() }, Fault::Gateway),
    ] {
        let told = verdict(&route, around);
        assert_eq!(told.fault, Some(fault), "{told:?}");
        assert!(told.sentence.contains(" since ") && told.sentence.contains(" UTC"), "{}", told.sentence);
    }
    assert_eq!(verdict(&route(), &nothing).fault, None);
}

#[test]
fn the_certificate_of_a_listener_is_told_of_where_no_app_would() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let validity = ClientIdentity::from_pem(pem.as_bytes(), key.as_bytes()).unwrap().validity();
    let day = Duration::from_secs(24 * 60 * 60);
    let trouble = |owner, now| {
        let listener = "http:0.0.0.0:443".into();
        let certificates = [CertificateLook { owner, listener, label: String::new(), validity }];
        credentials::told(Vec::new(), &[], &certificates, now).remove(0).trouble
    };
    assert_eq!(trouble(None, validity.until() - 31 * day), None);
    let soon = trouble(None, validity.until() - day).unwrap();
    assert!(soon.sentence.starts_with("The certificate of listener http:0.0.0.0:443 ends at "), "{soon:?}");
    assert_eq!((soon.fault, soon.since), (Fault::Operator, validity.until() - 30 * day));
    let ended = trouble(None, validity.until() + day).unwrap();
    assert!(ended.sentence.ends_with(" UTC, so whoever verifies it cannot connect."), "{ended:?}");
    let of_app = Some((AppId::parse("shop").unwrap(), Fcm::KIND));
    assert_eq!(trouble(of_app, validity.until() + day), None);
}
