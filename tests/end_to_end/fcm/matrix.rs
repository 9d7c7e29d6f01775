//! Matrix homeservers push to devices of FCM.

use fanfare::ingress::matrix::{Dialect, FcmDialect};
use serde_json::{Value, json};

use super::*;
use crate::matrix::{APP_ID, event, listener, notify, rejected};

fn device(token: &str) -> Value {
    json!({"app_id": APP_ID, "pushkey": token, "data": {"default_payload": {"cs": "s3cret"}}})
}

async fn world() -> World {
    let simulator = google(FcmSettings::default()).await;
    let account = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
    let options = json!({"android": {"ttl": "60s"}, "apns": {"payload": {"aps": {"content-available": 1}}}});
    let options = options.as_object().unwrap().clone();
    let dialect = Dialect::Fcm(FcmDialect { options, badge_counts: true });
    serve_with(simulator, vec![app(APP, PROJECT, &account)], |config| {
        config.http.push(listener(crate::matrix::app(dialect)));
    })
    .await
}

#[tokio::test]
async fn a_message_is_data_and_a_device_that_is_gone_is_rejected() {
    let world = world().await;
    assert_eq!(rejected(&notify(&world, &event("$one", &[device("ok:1")])).await), [""; 0]);
    let [arrived] = &world.simulator.journal().by_device_token("ok:1")[..] else { panic!() };
    let data = json!({
        "cs": "s3cret", "event_id": "$one", "room_id": "!room:example.org", "type": "m.room.message",
        "sender": "@alice:example.org", "sender_display_name": "Alice", "room_name": "Mission Control",
        "content_msgtype": "m.text", "content_body": "hello", "prio": "high", "unread": "1",
    });
    let apns = json!({"payload": {"aps": {"content-available": 1}}});
    let android = json!({"priority": "high", "ttl": "60s"});
    let message = json!({"token": "ok:1", "data": data, "android": android, "apns": apns});
    assert_eq!(json(arrived), json!({"message": message}));
    let devices = [device("unregistered:1"), device("ok:2")];
    assert_eq!(rejected(&notify(&world, &event("$two", &devices)).await), ["unregistered:1"]);
    assert_eq!(world.simulator.journal().by_device_token("ok:2").len(), 1);
}

#[tokio::test]
async fn a_wrong_project_of_the_whole_app_rejects_nobody() {
    let world = world().await;
    for number in 0..30 {
        // These devices belong to another project.
        let device = device(&format!("ok.{OTHER}:{number}"));
        let told = notify(&world, &event(&format!("${number}"), &[device])).await;
        assert_eq!(rejected(&told), [""; 0], "device {number}");
    }
    let asked = asked(&world, "/v1/projects/");
    assert_eq!(asked.len(), 30, "each was refused by the push service");
}
