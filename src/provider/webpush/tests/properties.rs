//! What holds whatever is asked, and whatever is answered.

use fanfare_upstream::Indexing;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::provider::apns::strategies;
use crate::provider::replies::reply;
use crate::provider::retry_after::MAX_RETRY_AFTER;
use crate::provider::webpush::response::classify;
use crate::provider::{Front502, Verdict};

fn options() -> BoxedStrategy<Option<WebPushContent>> {
    let text = || prop_oneof![3 => Just(String::new()), 1 => any::<String>(), 1 => "[a-zA-Z0-9_-]{0,40}"];
    let payload = prop_oneof![
        3 => Just(None),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Some),
        1 => (3900usize..4100).prop_map(|length| Some(vec![b'x'; length])),
    ];
    proptest::option::of((text(), text(), payload).prop_map(|(topic, link, payload)| WebPushContent {
        urgency: None,
        topic,
        link,
        payload,
    }))
    .boxed()
}

fn vendor() -> BoxedStrategy<Vendor> {
    let vendors = [Vendor::Mozilla, Vendor::Google, Vendor::Apple, Vendor::Microsoft, Vendor::Other];
    select(vendors.to_vec()).boxed()
}

proptest! {
    #[test]
    fn what_is_sent_stays_within_its_limit_and_is_what_was_encoded(
        body in strategies::body(), options in options(), pad_to in 0usize..5000, seconds: u32,
    ) {
        let mut body = body;
        body.content.web_push = options;
        let web_push = WebPush::try_new(WebPushSettings { pad_to, ..WebPushSettings::default() }).unwrap();
        let Ok(payload) = web_push.encode(&body) else { return Ok(()) };
        let sealed = web_push.seal(&payload, &browser(ENDPOINT), &Ephemeral::draw()).unwrap();
        let message = addressed(&web_push, &body, &browser(ENDPOINT), &payload, &sealed, at(seconds.into())).unwrap();
        prop_assert!(message.request.body().len() <= 4096);
        let ttl: u64 = header(&message, "ttl").unwrap().parse().unwrap();
        prop_assert!(ttl <= 2_592_000);
        prop_assert!(header(&message, "topic").is_none_or(|topic| (1..=32).contains(&topic.len())));
        let raw = body.content.web_push.as_ref().and_then(|it| it.payload.as_ref());
        if message.request.body().is_empty() {
            prop_assert_eq!(raw, Some(&vec![]));
        } else if let Some(raw) = raw {
            prop_assert_eq!(&cryptographer::decrypt(message.request.body()), raw);
        } else {
            let json: serde_json::Value = serde_json::from_str(&read(&message)).unwrap();
            let title = body.content.notification.as_ref().map_or("", |it| &it.title);
            prop_assert_eq!(json["title"].as_str().unwrap_or_default(), title);
        }
    }

    #[test]
    fn an_endpoint_is_taken_as_it_is_or_refused(
        endpoint in prop_oneof![
            any::<String>(),
            "https://[a-z.:@/?#\\[\\]%0-9\\\\]{0,40}",
            "https?://(u@)?fcm.googleapis.com(:[0-9]{1,6})?[!-~]{0,40}",
            "https://[!-~]{0,10}[.]notify.windows.com[!-~]{0,20}",
        ],
    ) {
        let target = browser(&endpoint);
        let origin = web_push().origin(&target);
        let Ok(message) = sent_by(&web_push(), &body(alert()), &target) else { return Ok(()) };
        let origin = origin.unwrap().0.to_string();
        let known = origin == "https://fcm.googleapis.com" || origin.ends_with(".notify.windows.com");
        prop_assert!(known, "{origin}");
        prop_assert!(endpoint.ends_with(message.request.path()));
        // Another reader finds the same host.
        let uri: http::Uri = endpoint.parse().unwrap();
        let host = uri.host().unwrap().to_ascii_lowercase();
        prop_assert_eq!(format!("https://{host}"), origin);
    }

    #[test]
    fn classify_never_panics(
        status in 100u16..1000,
        vendor in vendor(),
        name in select(vec!["location", "apns-id", "retry-after", "date", "x-wns-status", "x-wns-error-description"]),
        value in prop::collection::vec(prop_oneof![Just(b' '), 0x20u8..0x7f, 0x80u8..], 0..400),
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..400),
            "[{\\[\"a-z:0-9,\\]}]{0,60}".prop_map(String::into_bytes),
            any::<String>().prop_map(String::into_bytes),
            "<.{0,9}(<(title|TITLE)>)?.{0,300}(</Title>)?.{0,9}".prop_map(String::into_bytes),
            (any::<i64>(), ".{0,300}", ".{0,300}").prop_map(|(errno, message, reason)| {
                let [message, reason] = [message, reason].map(|it| serde_json::to_string(&it).unwrap());
                format!(r#"{{"errno":{errno},"message":{message},"reason":{reason}}}"#).into_bytes()
            }),
        ],
    ) {
        let mut reply = reply(status, &[], body);
        reply.fields.push(name, value.trim_ascii(), Indexing::Varies).unwrap();
        let verdict = classify(&reply, vendor, Front502::Unknown, UNIX_EPOCH);
        prop_assert!(verdict.upstream_reason.len() <= Verdict::MAX_REASON_BYTES);
        prop_assert!(verdict.upstream_id.len() <= Verdict::MAX_REASON_BYTES);
        prop_assert!(verdict.retry.wait().is_none_or(|wait| wait <= MAX_RETRY_AFTER));
        prop_assert!(verdict.outcome != Outcome::Accepted || (200..=202).contains(&status));
        prop_assert_eq!(verdict.outcome == Outcome::Accepted, verdict.detail.is_empty());
    }
}
