//! What a configuration of sygnal becomes, as tables.

use super::*;
use secrecy::ExposeSecret;
use toml::toml;

fn made(text: &str) -> Made {
    import(text, &Folders::around("/etc/sygnal/sygnal.yaml".as_ref()), None).unwrap()
}

/// The remarks but those about files, of which none is there.
fn remarks(imported: &Made) -> Vec<&str> {
    let remarks = imported.notes.iter().chain(&imported.lost).map(String::as_str);
    remarks.filter(|remark| !remark.contains("was not found")).collect()
}

#[test]
fn every_kind_of_app_is_taken_over() {
    let imported = made(
        "
apps:
  com.example.ios:
    type: apns
    keyfile: key.p8
    key_id: 1234567890
    team_id: TEAM123456
    topic: com.example.app
    platform: sandbox
    push_type: alert
    convert_device_token_to_hex: no
    inflight_request_limit: 100
  com.example.*:
    type: gcm
    api_version: v1
    project_id: project
    service_account_file: /secrets/account.json
    send_badge_counts: false
    fcm_options:
      apns: {payload: {aps: {mutable-content: 1, alert: \"\"}}}
      nothing: null
  com.example.web:
    type: webpush
    vapid_private_key: vapid.pem
    vapid_contact_email: ops@example.org
    allowed_endpoints: ['*.push.example.org', 'fcm.googleapis.com', 'push*.example.com']
    ttl: 600
",
    );
    let expected = toml! {
        ["com.example.ios".apns]
        environment = "sandbox"
        topics = ["com.example.app"]
        token = { key_file = "/etc/sygnal/key.p8", key_id = "1234567890", team_id = "TEAM123456" }
        ["com.example._".fcm]
        project = "project"
        key_file = "/secrets/account.json"
        ["com.example.web".web_push]
        key_file = "/etc/sygnal/vapid.pem"
        subject = "mailto:ops@example.org"
        hosts = ["*.push.example.org", "fcm.googleapis.com"]
    };
    assert_eq!(imported.document["apps"].as_table().unwrap(), &expected);
    let [http] = &imported.document["http"].as_array().unwrap()[..] else { panic!() };
    let expected = toml! {
        listen = "127.0.0.1:5000"
        serve = ["matrix"]
        caller = "matrix"
        [matrix.apps."com.example.ios"]
        app = "com.example.ios"
        push_type = "alert"
        convert_device_token_to_hex = false
        [matrix.apps."com.example.*"]
        app = "com.example._"
        send_badge_counts = false
        [matrix.apps."com.example.*".fcm_options]
        apns = { payload = { aps = { mutable-content = 1, alert = "" } } }
        [matrix.apps."com.example.web"]
        app = "com.example.web"
        allowed_endpoints = ["*.push.example.org", "fcm.googleapis.com", "push*.example.com"]
        ttl = "600s"
    };
    assert_eq!(http.as_table().unwrap(), &expected);
    let told = remarks(&imported);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("apps.com.example.ios.inflight_request_limit was not taken over"));
    assert_eq!(imported.lost.len(), 3, "three files were not found: {:?}", imported.lost);
}

#[test]
fn a_certificate_stands_for_its_key_and_its_topic() {
    let dir = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    let user_id = rcgen::DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1]);
    params.distinguished_name.push(user_id, "com.example.app");
    let pem = format!("{}{}", key.serialize_pem(), params.self_signed(&key).unwrap().pem());
    std::fs::write(dir.path().join("app.pem"), pem).unwrap();
    let text = "apps: {com.example.ios: {type: apns, certfile: app.pem}}";
    let imported = import(text, &Folders::around(&dir.path().join("sygnal.yaml")), None).unwrap();
    let apns = &imported.document["apps"]["com.example.ios"]["apns"];
    assert_eq!(apns["topics"], toml::Value::Array(vec!["com.example.app".into()]));
    let file = dir.path().join("app.pem").to_string_lossy().into_owned();
    assert_eq!(apns["certificate"]["certificate_file"].as_str(), Some(&*file));
    assert_eq!(apns["certificate"]["private_key_file"].as_str(), Some(&*file));
    assert_eq!(remarks(&imported), [""; 0]);
}

#[test]
fn what_cannot_be_taken_over_is_told() {
    let imported = made(
        "
log: {setup: {version: 1}, access: {x_forwarded_for: true}}
http: {bind_addresses: ['0.0.0.0', '::', localhost, example.org], port: 6000, more: 1}
metrics:
  prometheus: {enabled: yes, address: 0.0.0.0, port: 9000}
  sentry: {enabled: true, dsn: x}
  opentracing: {enabled: false}
database: x
apps:
  a: {type: gcm, api_key: x}
  b: {type: my.Pushkin}
  c: {type: apns, platform: moon}
  d: {type: apns, keyfile: k, more: 1}
  e: {type: webpush}
  f*: {type: apns, keyfile: k, topic: t}
  f.g*: {type: apns, keyfile: k, topic: t}
",
    );
    let told = remarks(&imported).join("\n");
    for expected in [
        "log.setup was not",
        "log.access.x_forwarded_for was not",
        "http.more was not",
        "\"example.org\", which is no address",
        "plaintext_anywhere",
        "begin with fanfare_",
        "metrics.sentry was not",
        "database was not",
        "apps.a.api_key was not",
        "apps.a.api_version is \"legacy\"",
        "apps.b.type is \"my.Pushkin\"",
        "apps.c.platform is \"moon\"",
        "apps.c.certfile and apps.c.keyfile are both missing",
        "apps.d.topic is missing",
        "apps.d.more was not",
        "apps.e.vapid_private_key or",
        "\"f*\" and \"f.g*\" mean the same names",
    ] {
        assert!(
            told.contains(expected)
                || told.contains(&expected.replace("\"f*\" and \"f.g*\"", "\"f.g*\" and \"f*\"")),
            "{expected}: {told}"
        );
    }
    assert!(!told.contains("opentracing"), "{told}");
    let listens: Vec<_> = imported.document["http"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["listen"].as_str().unwrap())
        .collect();
    assert_eq!(listens, ["[::]:6000", "127.0.0.1:6000"]);
    assert_eq!(imported.document["admin"]["listen"].as_str(), Some("0.0.0.0:9000"));
}

#[test]
fn a_password_of_a_proxy_goes_to_a_file() {
    let proxied = |text: &str, environment: Option<&str>| {
        import(text, &Folders::around("sygnal.yaml".as_ref()), environment).unwrap()
    };
    let imported =
        proxied("proxy: 'http://user:p%40ss+%26word@proxy.example.org:8080'", Some("http://other:1"));
    let proxy = &imported.document["proxy"];
    assert_eq!(proxy["url"].as_str(), Some("http://proxy.example.org:8080"));
    let file = proxy["credentials_file"].as_str().unwrap();
    let secret = imported.secrets.iter().find(|(name, ..)| *name == file).unwrap();
    assert_eq!(secret.1.expose_secret(), "user:p@ss+&word");
    let shown = format!("{:?}{}", imported.notes, toml::to_string(&imported.document).unwrap());
    assert!(!shown.contains("p@ss") && !shown.contains("p%40ss"));
    let imported = proxied("{}", Some("http://proxy:3128"));
    assert_eq!(imported.document["proxy"]["url"].as_str(), Some("http://proxy:3128"));
    let imported = proxied("proxy: https://proxy:3128", None);
    assert!(imported.document.get("proxy").is_none() && remarks(&imported)[0].starts_with("proxy was not"));
}

#[test]
fn what_is_no_mapping_is_told() {
    let problem =
        |text| format!("{:#}", import(text, &Folders::around("sygnal.yaml".as_ref()), None).err().unwrap());
    assert!(problem("- a").contains("expected a mapping"));
    assert!(problem("apps: {a: 5}").contains("apps.a: expected a mapping"));
    assert!(problem("a: [").contains("it is no YAML"));
}

#[test]
fn a_known_key_with_another_kind_of_value_is_left_to_be_done() {
    let imported = made(
        "
http: {bind_addresses: '0.0.0.0', port: '5000'}
metrics: {prometheus: {enabled: true, port: x}}
proxy: [a]
apps:
  a: {type: apns, keyfile: k, topic: [t], send_badge_counts: 5}
  b: {type: gcm, project_id: p, service_account_file: f, fcm_options: text}
",
    );
    for (key, kind) in [
        ("http.bind_addresses", "a list of texts"),
        ("http.port", "a whole number"),
        ("metrics.prometheus.port", "a whole number"),
        ("proxy", "a text"),
        ("apps.a.topic", "a text"),
        ("apps.a.send_badge_counts", "true or false"),
        ("apps.b.fcm_options", "a mapping"),
    ] {
        let expected = format!("{key} was not taken over: expected {kind}, found something else.");
        assert!(imported.lost.contains(&expected), "{expected} {:?}", imported.lost);
    }
    assert!(made("apps: []").lost[0].starts_with("apps was not taken over: expected a mapping"));
}

#[test]
fn a_mistake_in_the_yaml_is_told_by_its_place_and_without_the_lines_around_it() {
    let text = "proxy: http://user:hunter2@proxy:3128\napps: {a: [\n";
    let error = import(text, &Folders::around("sygnal.yaml".as_ref()), None).err().unwrap();
    let said = format!("{error:#}");
    assert!(said.contains("line ") && !said.contains("hunter2") && !said.contains('\n'), "{said}");
    let twice = made("apps:\n  a: {type: gcm}\n  a: {type: webpush}\n");
    assert!(twice.lost.iter().any(|lost| lost.starts_with("apps.a.vapid_private_key")), "{:?}", twice.lost);
}
