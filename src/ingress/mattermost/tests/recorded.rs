//! What was recorded of the real push proxy: each request gets the same answer, and says the same to APNs and FCM, as values.
//!
//! The differences on purpose are in [`ON_PURPOSE`], each with what is said instead.

use std::borrow::Cow;

use http::header;
use serde_json::{Value, json};

use super::{body, refused};
use crate::ingress::http::{Answer, Refused};
use crate::ingress::mattermost::asked::SEND_PUSH;
use crate::ingress::mattermost::kind::Kind;
use crate::ingress::mattermost::platform::{PlatformApp, PlatformKind, Platforms};
use crate::ingress::mattermost::push_response::PushResponse;
use crate::ingress::mattermost::request::PushNotification;
use crate::ingress::mattermost::{Asked, answers, apns, checks, fcm, go_json};

const FIRST: &str = include_str!("../../../../crates/simulator/tests/data/mattermost-push-proxy.json");
const SECOND: &str = include_str!("../../../../crates/simulator/tests/data/mattermost-push-proxy-2.json");

/// What one request came to: an answer at once, or what was said to a push service.
enum Came {
    Answered(Answer),
    Sent { said: Value, push_type: &'static str },
}

fn platforms() -> Platforms {
    let app = |name: &str, kind| (name.to_owned(), PlatformApp { app: name.to_owned(), kind });
    [
        app("apple", PlatformKind::Apple),
        app("apple_rn", PlatformKind::Apple),
        app("android_rn", PlatformKind::Android),
    ]
    .into()
}

fn ask(method: &str, path: &str, body: &[u8], platforms: &Platforms) -> Came {
    let failed = |why: String| Came::Answered(answers::response(PushResponse::Fail(why.into())));
    let text = go_json::text(body);
    let Some(asked) = Asked::of(path) else { return Came::Answered(refused(None, &Refused::NotFound)) };
    if !asked.terms().methods.split(", ").any(|taken| taken == method) {
        return Came::Answered(refused(Some(asked), &Refused::Method(asked.terms().methods)));
    }
    match asked {
        Asked::Page | Asked::Version | Asked::Moved(_) => Came::Answered(answers::fixed(asked)),
        Asked::Ack => match checks::ack(&text) {
            Ok(_) => Came::Answered(answers::response(PushResponse::Ok)),
            Err(why) => failed(why),
        },
        Asked::Push => {
            let mut notification = PushNotification::default();
            if let Err(why) = checks::notification(&text, &mut notification) {
                return failed(why);
            }
            let (app, version) = checks::app(&notification, platforms);
            let Some(app) = app else { return failed(checks::not_served(&notification)) };
            let kind = Kind::of(&notification);
            match app.kind {
                PlatformKind::Apple => {
                    let apns::Payload { json, push_type } = apns::payload(&notification, kind, version);
                    Came::Sent { said: serde_json::from_str(&json).unwrap(), push_type }
                }
                PlatformKind::Android => {
                    let mut said: Value = serde_json::from_str(&fcm::message(&notification, kind)).unwrap();
                    said["token"] = Value::from(&*notification.device_id);
                    Came::Sent { said: json!({ "message": said }), push_type: "" }
                }
            }
        }
    }
}

/// Turns what the real proxy said into what is said here.
type Change = fn(&mut Value);

/// Where another thing is said than the real proxy says, and what becomes of its words.
const ON_PURPOSE: [(&str, Change); 2] = [
    // A wipe is silent: the real proxy's shows an empty alert with a sound, and need not wake the app.
    ("apple session (wipe signal, MM 11.10)", |said| {
        said["aps"] = json!({ "badge": 0, "content-available": 1 })
    }),
    // Texts are cut at a character, so that no half of one arrives.
    ("apple utf8 cut", |said| {
        for text in ["/aps/alert/body", "/aps/alert/title", "/channel_name"] {
            let text = said.pointer_mut(text).unwrap();
            *text = text.as_str().unwrap().trim_end_matches('\u{fffd}').into();
        }
    }),
];

/// The real proxy writes a space behind each emoji, as its library does for terminals. Here there is none.
fn without_emoji_spaces(said: &mut Value) {
    for text in ["/aps/alert/body", "/aps/alert", "/message/data/message"] {
        if let Some(Value::String(text)) = said.pointer_mut(text) {
            *text = text.replace("😄 ", "😄").replace("🎉 ", "🎉");
        }
    }
}

fn expect_answer(case: &str, answer: Answer, recorded: &Value) {
    assert_eq!(u64::from(answer.status().as_u16()), recorded["status"], "{case}");
    let headers = answer.headers().clone();
    assert_eq!(body(answer), recorded["body"].as_str().unwrap(), "{case}");
    for name in [header::CONTENT_TYPE, header::LOCATION, header::X_CONTENT_TYPE_OPTIONS] {
        let all = recorded["headers"].as_object().unwrap();
        let found = all.iter().find(|(recorded, _)| recorded.eq_ignore_ascii_case(name.as_str()));
        let expected = found.and_then(|(_, value)| value.as_str());
        let sent = headers.get(&name).map(|value| value.to_str().unwrap());
        assert_eq!(sent, expected, "{case}: {name}");
    }
}

#[test]
fn all_that_was_recorded_with_apns_and_fcm_is_answered_and_said_alike() {
    let recorded: Value = serde_json::from_str(SECOND).unwrap();
    let (platforms, mut sent, mut answered) = (platforms(), 0, 0);
    for exchange in recorded["exchanges"].as_array().unwrap() {
        let text = |name: &str| exchange[name].as_str().unwrap();
        let case = text("case");
        let request = request(case, text("request"));
        let upstream = exchange["upstream"].as_array().unwrap();
        let upstream = upstream.iter().find(|request| request["path"] != "/token");
        match (ask(text("method"), text("path"), &request, &platforms), upstream) {
            (Came::Answered(answer), None) => {
                answered += 1;
                expect_answer(case, answer, exchange);
            }
            (Came::Sent { said, push_type }, Some(upstream)) => {
                sent += 1;
                let mut expected: Value = serde_json::from_str(upstream["body"].as_str().unwrap()).unwrap();
                without_emoji_spaces(&mut expected);
                if let Some((_, change)) = ON_PURPOSE.iter().find(|(of, _)| *of == case) {
                    change(&mut expected);
                }
                assert_eq!(said, expected, "{case}");
                let of_apns = upstream["headers"]["apns-push-type"].as_str().unwrap_or_default();
                assert_eq!(push_type, of_apns, "{case}");
            }
            (Came::Answered(answer), Some(_)) => panic!("{case}: it is answered {answer:?}, and not sent"),
            (Came::Sent { said, .. }, None) => panic!("{case}: {said} is sent, and should be answered"),
        }
    }
    assert_eq!((sent, answered), (38, 25));
}

/// The request of a case. The file has the beginning of the largest one only.
fn request<'a>(case: &str, recorded: &'a str) -> Cow<'a, [u8]> {
    match case {
        "5 MB body" => [recorded, &"m".repeat(5 << 20), "\"}"].concat().into_bytes().into(),
        // The file has U+FFFD in place of the bytes that are no UTF-8.
        "invalid utf8" => {
            let (before, after) = recorded.split_once("\u{fffd}\u{fffd}").unwrap();
            [before.as_bytes(), b"\xff\xfe", after.as_bytes()].concat().into()
        }
        _ => recorded.as_bytes().into(),
    }
}

#[test]
fn all_that_was_recorded_with_apns_alone_is_answered_and_said_alike() {
    let recorded: Value = serde_json::from_str(FIRST).unwrap();
    let mut at_apns = recorded["apns_requests_in_order"].as_array().unwrap().iter();
    let platforms = Platforms::from([(
        "apple".to_owned(),
        PlatformApp { app: "app".to_owned(), kind: PlatformKind::Apple },
    )]);
    for exchange in recorded["exchanges"].as_array().unwrap() {
        let case = exchange["case"].as_str().unwrap();
        let options = &exchange["request_options"];
        let method = options["method"].as_str().unwrap_or("POST");
        let path = options["path"].as_str().unwrap_or(SEND_PUSH);
        let mut request = exchange["request"].clone();
        if request["message"] == "x repeated 5000 times" {
            request["message"] = "x".repeat(5000).into();
        }
        let sent = match &request {
            Value::String(text) => text.clone().into_bytes(),
            Value::Null => Vec::new(),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                serde_json::to_vec(&request).unwrap()
            }
        };
        match ask(method, path, &sent, &platforms) {
            Came::Answered(_) if case == "version" => {}
            Came::Answered(answer) => expect_answer(case, answer, &exchange["response"]),
            Came::Sent { said, .. } => {
                let recorded = at_apns.next().unwrap()["body"].as_str().unwrap();
                match serde_json::from_str::<Value>(recorded) {
                    Ok(expected) => assert_eq!(said, expected, "{case}"),
                    // The file has only the beginning of the long one, and its length.
                    Err(_) => {
                        let length = serde_json::to_string(&said).unwrap().len();
                        assert!(recorded.ends_with(&format!("({length} bytes)")), "{case}: {length}");
                    }
                }
            }
        }
    }
    assert_eq!(at_apns.next(), None, "everything that reached APNs is said");
}
