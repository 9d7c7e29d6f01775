//! What a push service and the browser behind it read.

use super::*;

#[test]
fn a_title_alone() {
    let message = sent(&body(alert())).unwrap();
    assert_eq!(message.request.path(), "/wpush/v2/gAAAAAB%2fx");
    assert!(!message.counts_down);
    let headers: Vec<_> = message.request.headers().map(|field| format!("{field:?}")).collect();
    insta::assert_snapshot!(headers.join("\n"), @r"
    ttl: 2419200
    urgency: high
    content-type: application/octet-stream
    content-encoding: aes128gcm
    ");
    insta::assert_snapshot!(read(&message), @r#"{"title":"Hi"}"#);
}

#[test]
fn a_notification_with_everything_portable() {
    let localized = || Some(Box::new(LocalizedText { key: "LEFT_OUT".into(), arguments: vec![] }));
    let notification = Notification {
        title: "Order 17".into(),
        subtitle: "left out".into(),
        body: "On its \"way\" 🚚".into(),
        image: "https://example.com/a.png".into(),
        sound: "left out".into(),
        badge: Some(0),
        category: "ORDER".into(),
        thread: "orders".into(),
        title_localized: localized(),
        subtitle_localized: localized(),
        body_localized: localized(),
    };
    let web_push = WebPushContent { link: "https://example.com/17".into(), ..WebPushContent::default() };
    let data = [("b", "2"), ("a", "1")].map(|(key, value)| (key.into(), value.into())).into();
    let content = Content { web_push: Some(web_push), data, ..shows(notification) };
    let options = Options {
        priority: Some(Priority::Normal),
        expiry: Expiry::At(at(ACCEPTED_AT + 90) + Duration::from_millis(900)),
        collapse_key: "order-17".into(),
        ..Options::default()
    };
    let message = sent(&with_options(content, options)).unwrap();
    assert_eq!(header(&message, "ttl").as_deref(), Some("90"));
    assert_eq!(header(&message, "urgency").as_deref(), Some("normal"));
    assert_eq!(header(&message, "topic").as_deref(), Some("order-17"));
    insta::assert_snapshot!(
        read(&message),
        @r#"{"title":"Order 17","body":"On its \"way\" 🚚","image":"https://example.com/a.png","tag":"orders","app_badge":0,"action":"ORDER","link":"https://example.com/17","data":{"a":"1","b":"2"}}"#
    );
}

#[test]
fn data_alone_is_not_urgent() {
    let content = Content { data: [("a".into(), "1".into())].into(), ..Content::default() };
    let message = sent(&body(content)).unwrap();
    assert_eq!(header(&message, "urgency").as_deref(), Some("normal"));
    insta::assert_snapshot!(read(&message), @r#"{"data":{"a":"1"}}"#);
}

#[test]
fn raw_bytes_replace_everything() {
    let content = Content { notification: alert().notification, ..raw(&[0, 0xff, b'{']) };
    let message = sent(&body(content)).unwrap();
    assert_eq!(cryptographer::decrypt(message.request.body()), [0, 0xff, b'{']);
    // What they show is not known.
    assert_eq!(header(&message, "urgency").as_deref(), Some("normal"));
}

#[test]
fn an_empty_payload_has_no_body_and_needs_no_keys() {
    let keyless = Subscription { p256dh: vec![], auth: vec![], ..browser(ENDPOINT) };
    let message = sent_by(&web_push(), &body(raw(b"")), &keyless).unwrap();
    assert!(message.request.body().is_empty());
    assert_eq!(header(&message, "content-encoding"), None);
    assert_eq!(header(&message, "content-type"), None);
    assert_eq!(header(&message, "ttl").as_deref(), Some("2419200"));
}

#[test]
fn the_urgency_is_its_own_word_else_the_priority() {
    let urgency = |urgency: Option<WebPushUrgency>, priority: Option<Priority>| {
        let web_push = WebPushContent { urgency, ..WebPushContent::default() };
        let content = Content { web_push: Some(web_push), ..alert() };
        let message = sent(&with_options(content, Options { priority, ..Options::default() })).unwrap();
        header(&message, "urgency").unwrap()
    };
    for (own, priority, expected) in [
        (None, None, "high"),
        (None, Some(Priority::High), "high"),
        (None, Some(Priority::Normal), "normal"),
        (None, Some(Priority::Low), "low"),
        (Some(WebPushUrgency::VeryLow), Some(Priority::High), "very-low"),
        (Some(WebPushUrgency::Low), None, "low"),
        (Some(WebPushUrgency::Normal), None, "normal"),
        (Some(WebPushUrgency::High), Some(Priority::Low), "high"),
    ] {
        assert_eq!(urgency(own, priority), expected);
    }
}

#[test]
fn a_topic_is_its_own_word_else_the_collapse_key() {
    let said = |topic: &str, collapse_key: &str| {
        let web_push = WebPushContent { topic: topic.into(), ..WebPushContent::default() };
        let notification =
            Notification { title: "Hi".into(), thread: "thread".into(), ..Notification::default() };
        let content = Content { web_push: Some(web_push), ..shows(notification) };
        let options = Options { collapse_key: collapse_key.into(), ..Options::default() };
        let message = sent(&with_options(content, options)).unwrap();
        let json: serde_json::Value = serde_json::from_str(&read(&message)).unwrap();
        (header(&message, "topic"), json["tag"].as_str().unwrap().to_owned())
    };
    let longest = "Az0_-".repeat(7)[..32].to_owned();
    assert_eq!(said("", ""), (None, "thread".into()));
    assert_eq!(said(&longest, "key"), (Some(longest.clone()), longest.clone()));
    assert_eq!(said("", &longest), (Some(longest.clone()), "thread".into()));
    // `printf 'order 17' | openssl dgst -sha256 -binary | basenc --base64url | cut -c1-32`
    assert_eq!(said("", "order 17").0.as_deref(), Some("C8ySDjk4wbhuNIP8mIjG1tEwYV-nVExr"));
    assert_eq!(said("", &"x".repeat(33)).0.unwrap().len(), 32);
    assert_ne!(said("", &"x".repeat(33)).0, said("", &"x".repeat(34)).0);
}

#[test]
fn the_time_to_live_counts_down_and_has_a_vendors_limit() {
    let ttl = |endpoint: &str, expiry: Expiry, now: SystemTime| {
        let body = with_options(alert(), Options { expiry, ..Options::default() });
        let payload = web_push().encode(&body).unwrap();
        let sealed = web_push().seal(&payload, &browser(endpoint), &Ephemeral::draw()).unwrap();
        let message = addressed(&web_push(), &body, &browser(endpoint), &payload, &sealed, now).unwrap();
        assert_eq!(message.counts_down, matches!(expiry, Expiry::At(_)));
        header(&message, "ttl").unwrap()
    };
    let at_60 = Expiry::At(at(ACCEPTED_AT + 60));
    assert_eq!(ttl(ENDPOINT, at_60, at(ACCEPTED_AT)), "60");
    assert_eq!(ttl(ENDPOINT, at_60, at(ACCEPTED_AT) + Duration::from_millis(12_500)), "47");
    assert_eq!(ttl(ENDPOINT, at_60, at(ACCEPTED_AT + 61)), "0");
    assert_eq!(ttl(ENDPOINT, Expiry::NoStore, at(ACCEPTED_AT)), "0");
    assert_eq!(ttl(ENDPOINT, at_60, UNIX_EPOCH), "2592000");
    assert_eq!(ttl("https://web.push.apple.com/a", at_60, UNIX_EPOCH), "2592000");
    assert_eq!(ttl("https://fcm.googleapis.com/wp/a", at_60, UNIX_EPOCH), "2419200");
}

#[test]
fn only_microsoft_is_told_what_to_keep() {
    let policy = |endpoint: &str, expiry: Expiry| {
        let body = with_options(alert(), Options { expiry, ..Options::default() });
        let message = sent_by(&web_push(), &body, &browser(endpoint)).unwrap();
        header(&message, "x-wns-cache-policy")
    };
    let microsoft = "https://wns2-par02p.notify.windows.com/w/?token=a";
    assert_eq!(policy(microsoft, Expiry::Default).as_deref(), Some("cache"));
    assert_eq!(policy(microsoft, Expiry::At(at(ACCEPTED_AT + 60))).as_deref(), Some("cache"));
    assert_eq!(policy(microsoft, Expiry::NoStore).as_deref(), Some("no-cache"));
    // Less than a second is left: the same as none.
    let soon = Expiry::At(at(ACCEPTED_AT) + Duration::from_millis(900));
    assert_eq!(policy(microsoft, soon).as_deref(), Some("no-cache"));
    assert_eq!(policy(ENDPOINT, Expiry::NoStore), None);
}

#[test]
fn a_multicast_is_encoded_once_and_each_target_reads_its_own() {
    let body = body(alert());
    let payload = web_push().encode(&body).unwrap();
    let one_of_many = || {
        let sealed = web_push().seal(&payload, &browser(ENDPOINT), &Ephemeral::draw()).unwrap();
        addressed(&web_push(), &body, &browser(ENDPOINT), &payload, &sealed, at(0)).unwrap()
    };
    let (one, other) = (one_of_many(), one_of_many());
    assert_eq!(read(&one), read(&other));
    assert_ne!(one.request.body(), other.request.body());
}
