//! What a device reads.

use super::*;

#[test]
fn an_alert_with_everything_portable() {
    let notification = Notification {
        title: "Order 17".into(),
        subtitle: "Shop".into(),
        body: "On its \"way\"".into(),
        image: "https://example.com/a.png".into(),
        sound: "default".into(),
        badge: Some(0),
        category: "ORDER".into(),
        thread: "orders".into(),
        ..Notification::default()
    };
    let data = [("b", "2"), ("a", "1")].map(|(key, value)| (key.into(), value.into())).into();
    insta::assert_snapshot!(
        json(Content { notification: Some(notification), data, ..Content::default() }),
        @r#"{"aps":{"alert":{"title":"Order 17","subtitle":"Shop","body":"On its \"way\""},"badge":0,"sound":"default","thread-id":"orders","category":"ORDER","mutable-content":1},"image":"https://example.com/a.png","a":"1","b":"2"}"#
    );
}

#[test]
fn a_localised_text_replaces_the_plain_one() {
    let notification = Notification {
        title: "plain".into(),
        subtitle: "kept".into(),
        body: "plain".into(),
        title_localized: localized("TITLE", &["17", "x"]),
        body_localized: localized("BODY", &[]),
        ..Notification::default()
    };
    insta::assert_snapshot!(
        json(Content { notification: Some(notification), ..Content::default() }),
        @r#"{"aps":{"alert":{"subtitle":"kept","title-loc-key":"TITLE","title-loc-args":["17","x"],"loc-key":"BODY"}}}"#
    );
}

#[test]
fn what_only_apns_knows() {
    let mut content = alert();
    content.apns = Some(Box::new(ApnsContent {
        content_available: true,
        interruption_level: Some(InterruptionLevel::TimeSensitive),
        relevance_score: Some(0.5),
        target_content_id: "window".into(),
        filter_criteria: "work".into(),
        critical_sound: Some(CriticalSound { name: String::new(), volume: None }),
        ..ApnsContent::default()
    }));
    insta::assert_snapshot!(
        json(content),
        @r#"{"aps":{"alert":{"title":"Hi"},"sound":{"critical":1,"name":"default","volume":1.0},"content-available":1,"target-content-id":"window","interruption-level":"time-sensitive","relevance-score":0.5,"filter-criteria":"work"}}"#
    );
}

#[test]
fn data_alone_wakes_the_app_in_the_background() {
    let content = Content { data: [("a".into(), "1".into())].into(), ..Content::default() };
    insta::assert_snapshot!(json(content.clone()), @r#"{"aps":{"content-available":1},"a":"1"}"#);
    let message = sent(&apns(), &body(content), &device(None)).unwrap();
    insta::assert_snapshot!(headers(&message), @"
    content-type: application/json
    apns-push-type: background
    apns-priority: 5
    apns-topic: com.example.shop
    apns-id: 7ac6fbe7-2f2b-4e43-8e4d-7f2a7c2e6b10 !
    ");
}

#[test]
fn a_live_activity_starts_with_an_alert() {
    let mut content = live(LiveActivity {
        attributes_type: "Match".into(),
        attributes_json: r#"{"home":"A"}"#.into(),
        stale_at: Some(at(1_700_000_600)),
        input_push_token: true,
        ..activity(LiveActivityEvent::Start)
    });
    content.notification = Some(Notification {
        title: "Kick-off".into(),
        body_localized: localized("KICKOFF", &["A"]),
        sound: "whistle.aiff".into(),
        ..Notification::default()
    });
    insta::assert_snapshot!(
        json(content),
        @r#"{"aps":{"alert":{"title":"Kick-off","body":{"loc-key":"KICKOFF","loc-args":["A"]},"sound":"whistle.aiff"},"timestamp":1700000000,"event":"start","content-state":{"score": 2},"stale-date":1700000600,"attributes-type":"Match","attributes":{"home":"A"},"input-push-token":1}}"#
    );
}

#[test]
fn any_part_of_an_alert_is_shown_with_a_live_activity() {
    for (notification, alert) in [
        (Notification { title: "a".into(), ..Notification::default() }, r#"{"title":"a"}"#),
        (Notification { body: "a".into(), ..Notification::default() }, r#"{"body":"a"}"#),
        (Notification { sound: "a".into(), ..Notification::default() }, r#"{"sound":"a"}"#),
    ] {
        let mut content = live(activity(LiveActivityEvent::Update));
        content.notification = Some(notification);
        let json = json(content);
        assert!(json.contains(&format!(r#""alert":{alert},"#)), "{json}");
    }
}

#[test]
fn a_live_activity_may_be_more_relevant_than_1() {
    let mut content = live(activity(LiveActivityEvent::Update));
    content.apns.as_mut().unwrap().relevance_score = Some(75.0);
    let json = json(content.clone());
    assert!(json.contains(r#""relevance-score":75.0"#), "{json}");
    content.apns.as_mut().unwrap().relevance_score = Some(f64::INFINITY);
    let refusal = (Reason::FieldInvalid, "content.apns.relevance_score".to_owned());
    assert_eq!(refused(content, &device(None)), refusal);
}

#[test]
fn a_live_activity_is_updated_by_device_and_by_channel() {
    let content = live(LiveActivity {
        timestamp: Some(at(5)),
        dismiss_at: UNIX_EPOCH.checked_sub(Duration::from_secs(1)),
        ..activity(LiveActivityEvent::Update)
    });
    insta::assert_snapshot!(
        json(content.clone()),
        @r#"{"aps":{"timestamp":5,"event":"update","content-state":{"score": 2},"dismissal-date":0}}"#
    );
    let mut body = body(content);
    body.options.collapse_key = "match".into();
    let message = sent(&apns(), &body, &channel()).unwrap();
    assert_eq!(message.request.path(), "/4/broadcasts/apps/com.example.shop");
    insta::assert_snapshot!(headers(&message), @"
    content-type: application/json
    apns-push-type: liveactivity
    apns-priority: 10
    apns-channel-id: dHN0LXNyY2gtY2hubA==
    apns-request-id: 7ac6fbe7-2f2b-4e43-8e4d-7f2a7c2e6b10 !
    ");
}

#[test]
fn a_call_goes_to_the_voip_topic_at_once() {
    let data = [("call".into(), "1".into())].into();
    let content = Content { data, apns: Some(Box::new(push_type("voip"))), ..Content::default() };
    insta::assert_snapshot!(json(content.clone()), @r#"{"aps":{},"call":"1"}"#);
    let mut body = body(content);
    body.options =
        Options { expiry: Expiry::At(at(1_700_000_030)), collapse_key: "call".into(), ..Options::default() };
    let message = sent(&apns(), &body, &device(Some("com.example.news"))).unwrap();
    assert_eq!(message.request.path(), format!("/3/device/{}", "00ff".repeat(16)));
    insta::assert_snapshot!(headers(&message), @"
    content-type: application/json
    apns-push-type: voip
    apns-priority: 10
    apns-expiration: 1700000030 !
    apns-topic: com.example.news.voip
    apns-id: 7ac6fbe7-2f2b-4e43-8e4d-7f2a7c2e6b10 !
    apns-collapse-id: call !
    ");
}

#[test]
fn a_raw_payload_is_sent_as_it_is() {
    let raw = " {\"aps\" : {\"badge\": 3}, \"x\":1} ";
    let mut content = alert();
    content.apns = Some(Box::new(ApnsContent { payload_json: raw.into(), ..ApnsContent::default() }));
    assert_eq!(json(content.clone()), raw);
    let type_of = |raw: &str| {
        let content = typed(ApnsContent { payload_json: raw.into(), ..ApnsContent::default() });
        let message = sent(&apns(), &body(content), &device(None)).unwrap();
        ["apns-push-type", "apns-priority"].map(|name| header(&message, name).unwrap()).join(" ")
    };
    assert_eq!(type_of(raw), "alert 10");
    assert_eq!(type_of("{}"), "background 5");
    assert_eq!(type_of(r#"{"aps":{"event":"end"}}"#), "liveactivity 10");
    // Serializers write `null` for what is not there.
    for background in [
        r#"{"aps":null}"#,
        r#"{"aps":{"alert":null,"sound":null,"badge":null,"content-available":1}}"#,
        r#"{"aps":{"badge":null,"content-available":1}}"#,
        r#"{"aps":{"alert":{"title":null,"body":null},"sound":{"name":null},"content-available":1}}"#,
        r#"{"aps":{"content-available":1,"event":null}}"#,
    ] {
        assert_eq!(type_of(background), "background 5", "{background}");
    }
    assert_eq!(type_of(r#"{"aps":{"alert":"hi","event":null,"content-state":null}}"#), "alert 10");
    for bad in ["[]", "7", "{", "{} {}", "x"] {
        content.apns = Some(Box::new(ApnsContent { payload_json: bad.into(), ..ApnsContent::default() }));
        let refusal = (Reason::RawBodyInvalid, "content.apns.payload_json".to_owned());
        assert_eq!(refused(content.clone(), &device(None)), refusal, "{bad}");
    }
}
