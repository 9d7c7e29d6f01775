//! Who calls.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fanfare::caller::{CallerKey, CallerSettings, Permissions};
use secrecy::ExposeSecret;

use super::*;
use crate::harness::metric;

/// What an ingress answers that was reached.
const REACHED: u16 = 404;

fn caller(name: &str, key: Option<&CallerKey>) -> CallerSettings {
    CallerSettings {
        name: name.to_owned(),
        permissions: Permissions::everything(),
        keys: key.into_iter().map(CallerKey::digest).collect(),
        certificate: None,
        token: None,
        anonymous: false,
    }
}

#[tokio::test]
async fn a_key_may_be_shown_in_each_form_and_a_wrong_one_is_refused_whatever_else_could_stand() {
    let (key, other) = (CallerKey::generate().unwrap(), CallerKey::generate().unwrap());
    let world = world(|http, config| {
        config.callers = vec![caller("orders", Some(&key)), caller("mattermost", None)];
        http.caller = Some("mattermost".to_owned());
    })
    .await;
    let forms = |key: &CallerKey| {
        let key = key.expose_secret();
        let basic = STANDARD.encode(format!("anything:{key}"));
        [
            (SEND_PUSH.to_owned(), format!("authorization: Bearer {key}\r\n")),
            (SEND_PUSH.to_owned(), format!("Authorization: Basic {basic}\r\n")),
            (format!("/k/{key}{SEND_PUSH}"), String::new()),
        ]
    };
    for ((path, lines), (wrong_path, wrong_lines)) in forms(&key).iter().zip(forms(&other)) {
        assert_eq!(status(&world, path, lines).await, REACHED, "{path} {lines}");
        assert_eq!(status(&world, &wrong_path, &wrong_lines).await, 401, "{wrong_path} {wrong_lines}");
    }
    assert_eq!(status(&world, SEND_PUSH, "").await, REACHED);
    assert_eq!(metric(&world.gateway, "fanfare_unknown_callers_total{shown=\"key\"}"), 3.0);
}
