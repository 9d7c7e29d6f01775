//! What FCM reads.

use super::*;

#[test]
fn each_kind_of_target_is_named_by_its_own_member() {
    let content = || body(data(&[("a", "1")]));
    let to = |target| json_of(&sent(&content(), &target).unwrap());
    insta::assert_snapshot!(
        json(data(&[("a", "1")])),
        @r#"{"message":{"token":"dev:APA91b","data":{"a":"1"},"android":{"priority":"NORMAL"},"apns":{"headers":{"apns-priority":"5"},"payload":{"aps":{"content-available":1}}}}}"#
    );
    assert!(to(Target::InstallationId("f1".into())).starts_with(r#"{"message":{"fid":"f1","data""#));
    assert!(to(Target::Topic("news".into())).starts_with(r#"{"message":{"topic":"news","data""#));
    let condition = Target::Condition("'a' in topics && !('b' in topics)".into());
    assert!(to(condition).starts_with(r#"{"message":{"condition":"'a' in topics && !('b' in topics)","#));
    let message = sent(&content(), &token()).unwrap();
    assert_eq!(message.request.path(), "/v1/projects/shop-1/messages:send");
    let headers: Vec<_> = message.request.headers().map(|field| format!("{field:?}")).collect();
    assert_eq!(headers, ["content-type: application/json"]);
}

#[test]
fn a_title_alone_is_left_to_the_defaults_of_fcm() {
    insta::assert_snapshot!(
        json(alert()),
        @r#"{"message":{"token":"dev:APA91b","notification":{"title":"Hi"},"android":{"priority":"HIGH"}}}"#
    );
}

#[test]
fn a_notification_with_everything_portable() {
    let notification = Notification {
        title: "Order 17".into(),
        subtitle: "left out".into(),
        body: "On its \"way\"".into(),
        image: "https://example.com/a.png".into(),
        sound: "default".into(),
        badge: Some(0),
        category: "ORDER".into(),
        thread: "left out".into(),
        ..Notification::default()
    };
    let content = Content { notification: Some(notification), ..data(&[("b", "2"), ("a", "1")]) };
    let options = Options {
        priority: Some(Priority::Normal),
        expiry: Expiry::At(at(ACCEPTED_AT + 90) + Duration::from_millis(900)),
        collapse_key: "order-17".into(),
        ..Options::default()
    };
    insta::assert_snapshot!(
        with_options(content, options),
        @r#"{"message":{"token":"dev:APA91b","notification":{"title":"Order 17","body":"On its \"way\"","image":"https://example.com/a.png"},"data":{"a":"1","b":"2"},"android":{"collapse_key":"order-17","priority":"NORMAL","ttl":"90s","notification":{"sound":"default","click_action":"ORDER","notification_count":0}},"apns":{"headers":{"apns-priority":"5","apns-expiration":"1700000090","apns-collapse-id":"order-17"},"payload":{"aps":{"badge":0,"sound":"default","category":"ORDER","mutable-content":1}}},"webpush":{"headers":{"TTL":"90","Urgency":"normal"}}}}"#
    );
}

#[test]
fn a_localised_text_replaces_the_plain_one() {
    let text = |key: &str, arguments: &[&str]| {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        Some(Box::new(LocalizedText { key: key.into(), arguments }))
    };
    let notification = Notification {
        title: "plain".into(),
        body: "plain".into(),
        title_localized: text("TITLE", &["17", "x"]),
        body_localized: text("BODY", &[]),
        ..Notification::default()
    };
    insta::assert_snapshot!(
        json(Content { notification: Some(notification), ..Content::default() }),
        @r#"{"message":{"token":"dev:APA91b","android":{"priority":"HIGH","notification":{"body_loc_key":"BODY","title_loc_key":"TITLE","title_loc_args":["17","x"]}}}}"#
    );
}

#[test]
fn what_only_fcm_knows() {
    let options = FcmContent {
        channel_id: "orders".into(),
        tag: "17".into(),
        icon: "cart".into(),
        color: "#00Ff7f".into(),
        visibility: Some(AndroidVisibility::Secret),
        direct_boot_ok: true,
        restricted_package_name: "com.example.shop".into(),
        analytics_label: "spring_~%.1".into(),
        ..FcmContent::default()
    };
    insta::assert_snapshot!(
        json(Content { fcm: Some(Box::new(options)), ..alert() }),
        @r##"{"message":{"token":"dev:APA91b","notification":{"title":"Hi"},"android":{"priority":"HIGH","restricted_package_name":"com.example.shop","notification":{"icon":"cart","color":"#00Ff7f","tag":"17","channel_id":"orders","visibility":"SECRET"},"direct_boot_ok":true},"fcm_options":{"analytics_label":"spring_~%.1"}}}"##
    );
}

#[test]
fn a_dry_run_is_for_fcm_to_check() {
    let options = Options { dry_run: true, ..Options::default() };
    insta::assert_snapshot!(
        with_options(alert(), options),
        @r#"{"validate_only":true,"message":{"token":"dev:APA91b","notification":{"title":"Hi"},"android":{"priority":"HIGH"}}}"#
    );
}

#[test]
fn data_alone_is_urgent_on_android_where_asked_and_never_on_apple() {
    let options = Options { priority: Some(Priority::High), ..Options::default() };
    let message = with_options(data(&[("a", "1")]), options);
    assert!(message.contains(r#""android":{"priority":"HIGH"}"#), "{message}");
    assert!(message.contains(r#""apns-priority":"5""#), "{message}");
    assert!(message.contains(r#""Urgency":"high""#), "{message}");
}

#[test]
fn the_time_that_a_push_waited_counts() {
    let options = Options { expiry: Expiry::At(at(ACCEPTED_AT + 60)), ..Options::default() };
    let body = Body { options, ..body(alert()) };
    let payload = fcm().encode(&body).unwrap();
    let ttl = |now| {
        let message = addressed(&fcm(), &body, &token(), &payload, now).unwrap();
        assert!(message.counts_down);
        let json = json_of(&message);
        json.split(r#""ttl":""#).nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    assert_eq!(ttl(at(ACCEPTED_AT)), "60s");
    assert_eq!(ttl(at(ACCEPTED_AT) + Duration::from_millis(12_500)), "47s");
    assert_eq!(ttl(at(ACCEPTED_AT + 61)), "0s");
    assert_eq!(ttl(UNIX_EPOCH), "2419200s");
}

#[test]
fn a_push_that_is_not_stored_lives_no_time_on_any_platform() {
    let options = Options { expiry: Expiry::NoStore, ..Options::default() };
    insta::assert_snapshot!(
        with_options(alert(), options),
        @r#"{"message":{"token":"dev:APA91b","notification":{"title":"Hi"},"android":{"priority":"HIGH","ttl":"0s"},"apns":{"headers":{"apns-expiration":"0"}},"webpush":{"headers":{"TTL":"0"}}}}"#
    );
}

#[test]
fn a_live_activity_says_to_apns_what_it_says_without_fcm() {
    let message = sent(&body(live()), &token()).unwrap();
    assert!(message.context.live_activity_token);
    insta::assert_snapshot!(
        json_of(&message),
        @r#"{"message":{"token":"dev:APA91b","apns":{"headers":{"apns-priority":"10"},"payload":{"aps":{"timestamp":1700000000,"event":"update","content-state":{"score": 2}}},"live_activity_token":"act"}}}"#
    );
}

#[test]
fn a_raw_message_is_sent_with_its_target_and_nothing_else() {
    let mut content =
        raw(r#" {"android" : {"ttl":"3.5s", "x": [1,  2]}, "data": {"a":"1"}, "notification": null} "#);
    content.notification = alert().notification;
    let options = Options {
        expiry: Expiry::At(at(ACCEPTED_AT + 60)),
        priority: Some(Priority::High),
        ..Options::default()
    };
    let body = Body { options, ..body(content) };
    let message = sent(&body, &token()).unwrap();
    assert!(!message.counts_down && !message.context.live_activity_token);
    insta::assert_snapshot!(
        json_of(&message),
        @r#"{"message":{"token":"dev:APA91b","android":{"ttl":"3.5s", "x": [1,  2]},"data":{"a":"1"},"notification":null}}"#
    );
    assert_eq!(json(raw("{}")), r#"{"message":{"token":"dev:APA91b"}}"#);
    for name in ["live_activity_token", "liveActivityToken"] {
        let names_one = |value: &str| {
            let body = self::body(raw(&format!(r#"{{"apns":{{"{name}":{value}}}}}"#)));
            sent(&body, &token()).unwrap().context.live_activity_token
        };
        assert!(names_one("\"act\"") && !names_one("null"));
    }
}

#[test]
fn a_null_in_a_raw_message_is_not_there() {
    let nulls = r#"{"token":null,"fid":null,"topic":null,"condition":null,"apns":null,"data":null}"#;
    assert_eq!(json(raw(nulls)), r#"{"message":{"token":"dev:APA91b","apns":null,"data":null}}"#);
}
