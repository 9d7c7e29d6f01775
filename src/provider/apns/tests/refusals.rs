//! What is refused before it is sent.

use super::*;

#[test]
fn what_apns_would_refuse_is_refused_here() {
    let field = |content: Content| refused(content, &device(None)).1;
    let with = |apns| Content { apns: Some(apns), ..alert() };
    assert_eq!(refused(Content::default(), &device(None)), (Reason::FieldRequired, "content".into()));
    let data = Content { data: [("aps".into(), "1".into())].into(), ..Content::default() };
    assert_eq!(field(data), r#"content.data["aps"]"#);
    let mut image = Content { data: [("image".into(), "1".into())].into(), ..alert() };
    assert!(sent(&apns(), &body(image.clone()), &device(None)).is_ok());
    image.notification.as_mut().unwrap().image = "https://example.com/a.png".into();
    let conflict = (Reason::FieldsConflict, r#"content.data["image"]"#.to_owned());
    assert_eq!(refused(image, &device(None)), conflict);

    for score in [-0.1, 1.1, f64::NAN] {
        let options = ApnsContent { relevance_score: Some(score), ..ApnsContent::default() };
        assert_eq!(field(with(Box::new(options))), "content.apns.relevance_score");
        let critical_sound = Some(CriticalSound { name: String::new(), volume: Some(score) });
        let options = ApnsContent { critical_sound, ..ApnsContent::default() };
        assert_eq!(field(with(Box::new(options))), "content.apns.critical_sound.volume");
    }
    assert_eq!(field(with(Box::new(push_type("background")))), "content.apns.push_type");
    let mut silent = body(typed(push_type("background")));
    silent.options.priority = Some(Priority::High);
    assert_eq!(sent(&apns(), &silent, &device(None)).unwrap_err().field, "options.priority");
    let certificate = Apns::try_new(ApnsSettings { certificate: true, ..settings() }).unwrap();
    let location = body(typed(push_type("location")));
    assert!(sent(&apns(), &location, &device(None)).is_ok());
    assert_eq!(sent(&certificate, &location, &device(None)).unwrap_err().field, "content.apns.push_type");
}

#[test]
fn a_live_activity_has_what_its_event_needs() {
    let field = |content: Content| refused(content, &device(None)).1;
    let start = || LiveActivity {
        attributes_type: "Match".into(),
        attributes_json: "{}".into(),
        ..activity(LiveActivityEvent::Start)
    };
    let with_alert = |activity| Content { notification: alert().notification, ..live(activity) };
    assert!(sent(&apns(), &body(with_alert(start())), &device(None)).is_ok());
    assert_eq!(field(live(start())), "content.notification");
    let at = |name: &str| format!("content.apns.live_activity.{name}");
    let no_type = LiveActivity { attributes_type: String::new(), ..start() };
    assert_eq!(field(with_alert(no_type)), at("attributes_type"));
    for bad in ["", "null", " null ", "[]", "{"] {
        let attributes = LiveActivity { attributes_json: bad.into(), ..start() };
        assert_eq!(field(with_alert(attributes)), at("attributes_json"), "{bad}");
        let update = LiveActivity { content_state_json: bad.into(), ..activity(LiveActivityEvent::Update) };
        assert_eq!(field(live(update)), at("content_state_json"), "{bad}");
    }
    for nothing in ["", "null"] {
        let end = LiveActivity { content_state_json: nothing.into(), ..activity(LiveActivityEvent::End) };
        assert!(!json(live(end)).contains("content-state"), "{nothing}");
    }
    let token = LiveActivity { input_push_token: true, ..activity(LiveActivityEvent::Update) };
    assert_eq!(field(live(token)), at("input_push_token"));
    let channel_id = LiveActivity { input_push_channel: "c".into(), ..activity(LiveActivityEvent::End) };
    assert_eq!(field(live(channel_id)), at("input_push_channel"));

    let mut other_type = live(activity(LiveActivityEvent::Update));
    other_type.apns.as_mut().unwrap().push_type = "alert".into();
    assert_eq!(field(other_type), "content.apns.push_type");
    assert_eq!(field(typed(push_type("liveactivity"))), "content.apns.live_activity");
    assert_eq!(refused(with_alert(start()), &channel()), (Reason::FieldsConflict, at("event")));
    assert_eq!(refused(alert(), &channel()), (Reason::FieldsConflict, "target.apns_channel".into()));
}

#[test]
fn only_listed_topics_are_sent_to() {
    let refusal = sent(&apns(), &body(alert()), &device(Some("com.example.other"))).unwrap_err();
    assert_eq!(refusal.outcome, Outcome::InvalidPush);
    assert_eq!((refusal.reason, &*refusal.field), (Reason::TopicNotAllowed, "target.apns.topic"));
    for topics in [vec![], vec![""], vec!["a", "b/c"], vec!["ü"]] {
        let topics = topics.into_iter().map(String::from).collect();
        assert!(Apns::try_new(ApnsSettings { topics, ..settings() }).is_err());
    }
    for (bytes, taken) in
        [(MAX_TOPIC_BYTES, true), (MAX_TOPIC_BYTES + 1, false), (MAX_TOPIC_BYTES + 2, false)]
    {
        let topics = vec!["x".repeat(bytes)];
        assert_eq!(Apns::try_new(ApnsSettings { topics, ..settings() }).is_ok(), taken, "{bytes}");
    }
    assert_eq!(apns().environment(&device(None)), ApnsEnvironment::Production);
    assert_eq!(apns().environment(&channel()), ApnsEnvironment::Sandbox);
}

#[test]
fn a_channel_id_that_is_no_header_is_refused() {
    for channel_id in ["é", "a\r\nb: c", " a"] {
        let Target::Channel(channel) = channel() else { unreachable!() };
        let target = Target::Channel(Channel { channel_id: channel_id.into(), ..channel });
        let refusal = sent(&apns(), &body(live(activity(LiveActivityEvent::Update))), &target).unwrap_err();
        assert_eq!(
            (refusal.reason, &*refusal.field),
            (Reason::FieldInvalid, "target.apns_channel.channel_id")
        );
        assert_eq!(refusal.detail, "it is visible ASCII characters, found others");
    }
}
