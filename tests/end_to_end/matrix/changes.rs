//! A reload gives the ingress other apps while it serves.

use super::*;
use crate::harness::config;

/// A listener with these apps, all of which are the one of the harness.
fn with_apps(names: &[&str]) -> HttpSettings {
    let mut settings = listener(app(apns()));
    let matrix = settings.matrix.as_mut().unwrap();
    for name in names {
        matrix.apps.add(name, app(apns())).unwrap();
    }
    settings
}

#[tokio::test]
async fn a_forgotten_app_is_added_while_homeservers_repeat_its_events() {
    let many: Vec<String> = (0..20).map(|number| format!("com.example.{number}")).collect();
    let mut names: Vec<&str> = many.iter().map(String::as_str).collect();
    let world = World::with(|builder| builder, |config| config.http.push(with_apps(&names))).await;
    let mut forgotten = device(&pushkey(1));
    forgotten["app_id"] = "org.example.forgotten".into();
    let request = event("$one", &[forgotten]);
    assert_eq!(notify(&world, &request).await.status, 502);
    let reload = |names: &[&str]| {
        let mut newer = config(&world.simulator);
        newer.http.push(with_apps(names));
        world.gateway.reload(newer).unwrap().changed
    };
    names.reverse();
    assert_eq!(reload(&names), [""; 0], "the same apps are no change, in whichever order they come");
    names.push("org.example.*");
    assert_eq!(reload(&names), ["http.matrix"]);
    assert_eq!(rejected(&notify(&world, &request).await), [""; 0]);
    assert_eq!(arrived(&world, &good(1)), 1);
}
