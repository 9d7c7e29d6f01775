//! All requests that were recorded from a real Synapse.

use super::*;
use crate::provider::Provider;
use crate::provider::apns::{Apns, ApnsSettings};
use crate::provider::fcm::{Fcm, FcmSettings};
use crate::push::ApnsEnvironment;

/// The bodies of 62 requests that Synapse 1.163.2 sent to a scripted gateway, one on each line.
const RECORDED: &str = include_str!("../../../../tests/data/synapse-1.163.2.jsonl");

#[test]
fn every_recorded_request_is_understood_and_can_be_said() {
    let settings = ApnsSettings {
        environment: ApnsEnvironment::Production,
        topics: vec!["com.example.app".to_owned()],
        certificate: false,
        unknown_push_types: false,
    };
    let apns_app = Apns::try_new(settings).unwrap();
    let fcm_app = Fcm::try_new(&FcmSettings { project_id: "project".to_owned() }).unwrap();
    let (mut events, mut badges) = (0, 0);
    for line in RECORDED.lines() {
        let (notification, devices) = Notification::read(line.as_bytes()).unwrap();
        assert_eq!(devices.len(), 1);
        let said = body(drafted(line.as_bytes(), apns()).unwrap());
        apns_app.encode(&said).unwrap();
        match notification.event() {
            Some(event) => {
                events += 1;
                assert_eq!(said.options.collapse_key, event);
                fcm_app.encode(&body(drafted(line.as_bytes(), fcm()).unwrap())).unwrap();
            }
            None => {
                badges += 1;
                let payload = said.content.apns.unwrap().payload_json;
                assert_eq!(payload, r#"{"aps":{"badge":0}}"#, "a badge comes alone");
                let fcm = drafted(line.as_bytes(), fcm());
                assert!(matches!(fcm, Err(Fate::NothingToSay)), "zero is not said to FCM");
            }
        }
    }
    assert_eq!((events, badges), (58, 4));
}

#[test]
fn a_message_and_an_event_alone_look_as_apps_expect_them() {
    let line = |text: &str| RECORDED.lines().find(|line| line.contains(text)).unwrap().as_bytes();
    assert_eq!(
        payload(line("hello bob"), apns()),
        json!({
            "aps": {
                "alert": {
                    "loc-key": "MSG_FROM_USER_IN_ROOM_WITH_CONTENT",
                    "loc-args": ["alice", "Mission Control", "hello bob"],
                },
                "badge": 1,
            },
            "event_id": "$qSi4QI-NuTVog1gHDS6kL7qaeUoE12NBjaYsEEJ2hk8",
            "room_id": "!9BknVPgLBAEr8Qj83XGeUj_Z2f1_gpn1bKceb8l3n40",
        })
    );
    assert_eq!(
        payload(line("s3cret"), apns()),
        json!({
            "cs": "s3cret",
            "event_id": "$1UTnGw2qJ9WALqDOFelLNpc7mo3EEaJGgKzaF_aYij4",
            "room_id": "!9BknVPgLBAEr8Qj83XGeUj_Z2f1_gpn1bKceb8l3n40",
            "unread_count": 1,
        })
    );
}
