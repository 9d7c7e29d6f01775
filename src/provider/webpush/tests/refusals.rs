//! What is refused before it is sent.

use super::*;

#[test]
fn something_must_be_for_the_browser() {
    let nothing = (Reason::FieldRequired, "content".to_owned());
    assert_eq!(refused(&body(Content::default())), nothing);
    let inexpressible = Notification {
        subtitle: "s".into(),
        sound: "s".into(),
        thread: "t".into(),
        ..Notification::default()
    };
    assert_eq!(refused(&body(shows(inexpressible))), nothing);
    let topic = WebPushContent { topic: "t".into(), ..WebPushContent::default() };
    assert_eq!(refused(&body(typed(topic))), nothing);
}

#[test]
fn the_limit_is_what_fits_into_4096_bytes() {
    assert_eq!(sent(&body(raw(&vec![1; MAX_PLAINTEXT_BYTES]))).unwrap().request.body().len(), 4096);
    let shown = |bytes: usize| {
        let body = "x".repeat(bytes - r#"{"body":""}"#.len());
        shows(Notification { body, ..Notification::default() })
    };
    assert_eq!(sent(&body(shown(MAX_PLAINTEXT_BYTES))).unwrap().request.body().len(), 4096);
    for too_large in [raw(&vec![1; MAX_PLAINTEXT_BYTES + 1]), shown(MAX_PLAINTEXT_BYTES + 1)] {
        let refusal = sent(&body(too_large)).unwrap_err();
        assert_eq!((refusal.outcome, refusal.reason), (Outcome::PayloadTooLarge, Reason::PayloadOverLimit));
        assert_eq!(refusal.detail, "expected at most 3993 bytes for a browser, found 3994");
    }
}

#[test]
fn a_topic_is_what_the_rfc_says_of_it() {
    let topic = |topic: &str| {
        let web_push = WebPushContent { topic: topic.into(), ..WebPushContent::default() };
        refused(&body(Content { web_push: Some(web_push), ..alert() }))
    };
    let field = || "content.web_push.topic".to_owned();
    for bad in ["a b", "a+b", "a=", "ü", "a.b", "a\n", &format!("{} ", "x".repeat(31))] {
        assert_eq!(topic(bad), (Reason::FieldInvalid, field()), "{bad}");
    }
    assert_eq!(topic(&"x".repeat(33)), (Reason::FieldTooLarge, field()));
}

#[test]
fn nothing_leaves_the_gateway_unencrypted() {
    let body = body(alert());
    let payload = web_push().encode(&body).unwrap();
    let unsealed = Sealed::default();
    let message = addressed(&web_push(), &body, &browser(ENDPOINT), &payload, &unsealed, at(0)).unwrap();
    assert!(message.request.body().is_empty());
}
