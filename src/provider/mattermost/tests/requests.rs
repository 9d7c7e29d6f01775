//! What a push proxy reads.

use proptest::prelude::*;

use super::*;
use crate::provider::apns::strategies;

/// Exchanges of the real proxy; its `source` says how they were recorded.
const RECORDED: &str = include_str!("../../../../crates/simulator/tests/data/mattermost-push-proxy.json");

#[test]
fn a_message_as_a_mattermost_server_sends_it() {
    let message = sent(shows(text("Town", "hello")), &device("android_rn-v2", "fcm:token")).unwrap();
    assert_eq!(message.request.path(), "/api/v1/send_push");
    assert_eq!(message.request.headers().next(), None);
    insta::assert_snapshot!(
        String::from_utf8(message.request.body().to_vec()).unwrap(),
        @r#"{"ack_id":"push-1","platform":"android_rn-v2","server_id":"srv","device_id":"fcm:token","post_id":"","message":"hello","badge":-1,"channel_name":"Town","type":"message","version":"v2","is_crt_enabled":false,"is_id_loaded":false,"signature":""}"#
    );
}

#[test]
fn everything_that_mattermost_knows_in_its_order() {
    let options = MattermostContent {
        r#type: "session".into(),
        sub_type: "calls".into(),
        ack_id: "ack".into(),
        post_id: "p".into(),
        team_id: "t".into(),
        channel_id: "c".into(),
        root_id: "r".into(),
        sender_id: "u".into(),
        sender_name: "n".into(),
        override_username: "bot".into(),
        override_icon_url: "https://example.com/i.png".into(),
        from_webhook: "true".into(),
        version: "v1".into(),
        is_crt_enabled: true,
        is_id_loaded: true,
        signature: "jwt".into(),
        transport: "voip".into(),
    };
    let notification = Notification {
        sound: "none".into(),
        badge: Some(3),
        category: "CAN_REPLY".into(),
        subtitle: "left out".into(),
        thread: "left out".into(),
        ..text("Town", "a \"b\"")
    };
    insta::assert_snapshot!(
        json(Content { mattermost: Some(Box::new(options)), ..shows(notification) }),
        @r#"{"ack_id":"ack","platform":"apple","server_id":"srv","device_id":"aa:11","post_id":"p","category":"CAN_REPLY","sound":"none","message":"a \"b\"","badge":3,"team_id":"t","channel_id":"c","root_id":"r","channel_name":"Town","type":"session","sub_type":"calls","sender_id":"u","sender_name":"n","override_username":"bot","override_icon_url":"https://example.com/i.png","from_webhook":"true","version":"v1","is_crt_enabled":true,"is_id_loaded":true,"signature":"jwt","transport":"voip"}"#
    );
}

#[test]
fn a_push_that_shows_nothing_wakes_the_app_and_0_is_no_badge() {
    for name in ["clear", "update_badge"] {
        let options = MattermostContent { r#type: name.into(), ..MattermostContent::default() };
        let badge = Notification { badge: Some(0), ..Notification::default() };
        let message = json(Content { mattermost: Some(Box::new(options)), ..shows(badge) });
        assert!(message.contains(r#""post_id":"","cont_ava":1,"type":""#), "{message}");
    }
}

/// The members of a recorded request, by name and in order.
fn members(request: &serde_json::value::RawValue) -> Vec<(String, serde_json::Value)> {
    struct InOrder(Vec<(String, serde_json::Value)>);
    impl<'de> serde::Deserialize<'de> for InOrder {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visit;
            impl<'de> serde::de::Visitor<'de> for Visit {
                type Value = InOrder;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<InOrder, A::Error> {
                    let mut members = Vec::new();
                    while let Some(member) = map.next_entry()? {
                        members.push(member);
                    }
                    Ok(InOrder(members))
                }
            }
            deserializer.deserialize_map(Visit)
        }
    }
    serde_json::from_str::<InOrder>(request.get()).unwrap().0
}

#[test]
fn the_recorded_requests_are_what_is_sent() {
    #[derive(serde::Deserialize)]
    struct Recorded<'a> {
        #[serde(borrow)]
        exchanges: Vec<Exchange<'a>>,
    }
    #[derive(serde::Deserialize)]
    struct Exchange<'a> {
        case: String,
        #[serde(borrow)]
        request: &'a serde_json::value::RawValue,
    }
    let recorded: Recorded<'_> = serde_json::from_str(RECORDED).unwrap();
    let mut compared = 0;
    for exchange in recorded.exchanges {
        let is_push = exchange.request.get().contains("server_id");
        let asked = if is_push { members(exchange.request) } else { continue };
        let text = |key: &str| {
            let found = asked.iter().find(|(name, _)| name == key);
            found.and_then(|(_, value)| value.as_str()).unwrap_or_default().to_owned()
        };
        let flag = |key: &str| asked.iter().any(|(name, value)| name == key && value == true);
        // Without a token or server id there is no push that the gateway would send.
        let Ok(token) = RegistrationToken::parse(text("device_id")) else { continue };
        let server_id = Some(text("server_id")).filter(|id| !id.is_empty());
        let Some(server_id) = server_id else { continue };
        let badge = asked.iter().find(|(name, _)| name == "badge").and_then(|(_, value)| value.as_u64());
        let notification = Notification {
            title: text("channel_name"),
            body: text("message"),
            sound: text("sound"),
            category: text("category"),
            badge: badge.and_then(|badge| badge.try_into().ok()),
            ..Notification::default()
        };
        let options = MattermostContent {
            r#type: text("type"),
            ack_id: text("ack_id"),
            post_id: text("post_id"),
            team_id: text("team_id"),
            channel_id: text("channel_id"),
            root_id: text("root_id"),
            sender_id: text("sender_id"),
            sender_name: text("sender_name"),
            version: text("version"),
            is_id_loaded: flag("is_id_loaded"),
            ..MattermostContent::default()
        };
        let device = Device { platform: text("platform"), token, server_id: Some(server_id) };
        let message =
            sent(Content { mattermost: Some(Box::new(options)), ..shows(notification) }, &device).unwrap();
        let sent: &serde_json::value::RawValue = serde_json::from_slice(message.request.body()).unwrap();
        // A server leaves out what is empty and always says two more; `cont_ava` only wakes.
        let ours = |name: &str| matches!(name, "is_crt_enabled" | "signature" | "cont_ava");
        let left_out = |value: &serde_json::Value| value == "" || value == 0;
        let expected: Vec<_> =
            asked.iter().filter(|(name, value)| !ours(name) && !left_out(value)).cloned().collect();
        let found: Vec<_> = members(sent).into_iter().filter(|(name, _)| !ours(name)).collect();
        assert_eq!(found, expected, "{}", exchange.case);
        compared += 1;
    }
    assert_eq!(compared, 19);
}

#[test]
fn a_long_text_is_cut_where_a_character_ends() {
    let long = |title: &str, body: &str| {
        let json = json(shows(text(title, body)));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        (json["channel_name"].as_str().unwrap().to_owned(), json["message"].as_str().unwrap().to_owned())
    };
    assert_eq!(long(&"é".repeat(40), &"é".repeat(2000)), ("é".repeat(32), "é".repeat(1023)));
    assert_eq!(long(&"x".repeat(64), &"x".repeat(2047)), ("x".repeat(64), "x".repeat(2047)));
}

#[test]
fn the_targets_server_counts_more_than_the_apps() {
    let other = Device { server_id: Some("other".into()), ..device("apple", "aa") };
    let message = sent(shows(text("", "hi")), &other).unwrap();
    assert!(String::from_utf8(message.request.body().to_vec()).unwrap().contains(r#""server_id":"other""#));
    for bad in ["", "a b", &"x".repeat(65)] {
        assert!(Mattermost::try_new(MattermostSettings { server_id: bad.into() }).is_err(), "{bad}");
    }
}

#[test]
fn what_the_proxy_has_no_field_for_is_refused() {
    assert_eq!(refused(Content::default()), (Reason::FieldRequired, "content".into()));
    let data = Content { data: [("a".into(), "1".into())].into(), ..shows(text("", "hi")) };
    assert_eq!(refused(data), (Reason::FieldsConflict, "content.data".into()));
    let field = |options| refused(typed(options));
    let nothing = MattermostContent::default;
    let invalid = |name: &str| (Reason::FieldInvalid, format!("content.mattermost.{name}"));
    assert_eq!(field(MattermostContent { r#type: "Message".into(), ..nothing() }), invalid("type"));
    assert_eq!(field(MattermostContent { sub_type: "x".into(), ..nothing() }), invalid("sub_type"));
    assert_eq!(field(MattermostContent { transport: "udp".into(), ..nothing() }), invalid("transport"));
    assert!(sent(typed(nothing()), &device("apple", "aa")).is_ok());
}

proptest! {
    #[test]
    fn what_is_sent_is_one_json_object(
        notification in proptest::option::of(strategies::notification()),
        texts in proptest::collection::vec(any::<String>(), 5),
        platform in any::<String>(),
        token in "[!-~]{1,200}",
        id in "[!-~]{1,64}",
    ) {
        let [ack_id, post_id, sender_name, signature, channel_id] = texts.try_into().unwrap();
        let options =
            MattermostContent { ack_id, post_id, sender_name, signature, channel_id, ..MattermostContent::default() };
        let content = Content { notification, mattermost: Some(Box::new(options)), ..Content::default() };
        let message = addressed(&PushId::parse(id).unwrap(), content, &device(&platform, &token)).unwrap();
        let json: serde_json::Value = serde_json::from_slice(message.request.body()).unwrap();
        prop_assert_eq!(&json["platform"], &platform);
        prop_assert_eq!(&json["device_id"], &token);
        for (name, most) in [("message", MAX_MESSAGE_BYTES), ("channel_name", MAX_CHANNEL_NAME_BYTES)] {
            prop_assert!(json[name].as_str().unwrap_or_default().len() <= most);
        }
    }
}
