//! Who calls: by a key in each form, or as the caller for whom calls stand that show nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fanfare::caller::{Listed, Rpc};
use fanfare::ingress::json::JsonSettings;
use fanfare_simulator::Simulator;
use secrecy::ExposeSecret;

use super::*;
use crate::batch_command::read;
use crate::harness::{TOPIC, http_get, metric};
use crate::killed::serve_with_log;
use crate::secrets::write_config;
use crate::surroundings::{ended, signal};

#[tokio::test]
async fn a_key_may_be_shown_in_each_form_and_a_wrong_one_is_refused_whoever_calls_could_stand_for() {
    let (key, other) = (CallerKey::generate().unwrap(), CallerKey::generate().unwrap());
    let world = world(|http, config| {
        config.callers = vec![caller("orders", &[&key]), caller("mattermost", &[])];
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
        assert!(is_taken(status(&world, path, lines).await), "{lines}");
        assert_eq!(status(&world, &wrong_path, &wrong_lines).await, 401, "{wrong_lines}");
    }
    assert!(is_taken(status(&world, SEND_PUSH, "").await));
    assert_eq!(metric(&world.gateway, "fanfare_unknown_callers_total{shown=\"key\"}"), 3.0);
    // What is no key, and what is shown twice, is nobody's.
    let [_, (_, basic), (path, _)] = forms(&key);
    for (path, lines) in [
        (SEND_PUSH, "authorization: Basic !\r\n"),
        (SEND_PUSH, "authorization: Digest x\r\n"),
        ("/k//api/v1/send_push", ""),
        (&path, &basic),
    ] {
        assert_eq!(status(&world, path, lines).await, 401, "{lines}");
    }
    let refused = tell(&world, &post(SEND_PUSH, "connection: close\r\nauthorization: Bearer x\r\n")).await;
    assert_eq!(field(&refused, "www-authenticate"), Some("Bearer, Basic realm=\"fanfare\""), "{refused}");
}

#[tokio::test]
async fn a_call_that_shows_nothing_is_taken_from_the_networks_alone() {
    let world = world(|http, config| {
        config.callers = vec![caller("mattermost", &[])];
        http.caller = Some("mattermost".to_owned());
        http.networks = vec!["10.0.0.0/8".parse().unwrap()];
        http.listener.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let from = async |address: &str| {
        let proxied = format!("PROXY TCP4 {address} 192.0.2.8 4711 443\r\n");
        status_of(&tell(&world, &(proxied + &post(SEND_PUSH, "connection: close\r\n"))).await)
    };
    assert!(is_taken(from("10.1.2.3").await));
    assert_eq!(from("192.0.2.7").await, 401);
    assert_eq!(metric(&world.gateway, "fanfare_unknown_callers_total{shown=\"elsewhere\"}"), 1.0);
}

#[tokio::test]
async fn calls_of_json_never_stand_for_the_caller_of_the_listener() {
    let key = CallerKey::generate().unwrap();
    let world = world(|http, config| {
        config.callers = vec![caller("mattermost", &[]), caller("orders", &[&key])];
        http.caller = Some("mattermost".to_owned());
        http.json = Some(JsonSettings::default());
    })
    .await;
    assert_eq!(status(&world, "/v1/pushes", "").await, 401);
    assert_eq!(metric(&world.gateway, "fanfare_unknown_callers_total{shown=\"nothing_shown\"}"), 1.0);
    let shown = format!("authorization: Bearer {}\r\n", key.expose_secret());
    assert_ne!(status(&world, "/v1/pushes", &shown).await, 401);
}

#[tokio::test]
async fn a_caller_that_may_not_push_is_refused_before_its_body_is_read() {
    let world = world(|http, config| {
        let mut mattermost = caller("mattermost", &[]);
        mattermost.permissions.rpcs = Listed::These([Rpc::SendBatch].into());
        config.callers = vec![mattermost];
        http.caller = Some("mattermost".to_owned());
    })
    .await;
    let head = format!("POST {SEND_PUSH} HTTP/1.1\r\nhost: gateway\r\ncontent-length: 1000\r\n\r\n");
    let mut stream = connect(&world).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(status_of(&one_answer(&mut stream).await), 403);
    let line = "fanfare_caller_refusals_total{caller=\"mattermost\",rule=\"rpcs\"}";
    assert_eq!((metric(&world.gateway, line), refused(&world, "denied")), (1.0, 1.0));
}

#[tokio::test]
async fn without_callers_and_with_an_anonymous_one_everybody_calls_as_over_grpc() {
    let nobody = world(|_, _| {}).await;
    assert!(is_taken(status(&nobody, SEND_PUSH, "").await));
    let anonymous = world(|_, config| {
        config.callers = vec![CallerSettings { anonymous: true, ..caller("anybody", &[]) }];
    })
    .await;
    assert!(is_taken(status(&anonymous, SEND_PUSH, "").await));
    let known = world(|_, config| config.callers = vec![caller("mattermost", &[])]).await;
    assert_eq!(status(&known, SEND_PUSH, "").await, 401);
}

#[tokio::test]
async fn paths_and_methods_that_are_not_served_are_told_and_every_count_begins_at_zero() {
    let world = world(|_, _| {}).await;
    let listener = format!("listener=\"http:{}\"", world.gateway.http_addresses()[0]);
    let page = world.gateway.metrics().page();
    for line in [
        "fanfare_http_calls_total{LISTENER,ingress=\"matrix\",status=\"5xx\"} 0\n",
        "fanfare_http_refusals_total{LISTENER,ingress=\"mattermost\",reason=\"source_rate\"} 0\n",
        "fanfare_listener_connections{LISTENER} 0\n",
    ] {
        let line = line.replace("LISTENER", &listener);
        assert!(page.contains(&line), "{line}{page}");
    }
    for path in ["/x", "/v1/pushes", "/api/v1/send_push/", "//x", "/k/x/y", "/k", "*"] {
        assert_eq!(status(&world, path, "").await, 404, "{path}");
    }
    let put = format!("PUT {NOTIFY} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n");
    let answer = tell(&world, &put).await;
    assert_eq!((status_of(&answer), field(&answer, "allow")), (405, Some("GET, POST")), "{answer}");
    assert_eq!((refused(&world, "not_found"), refused(&world, "method")), (7.0, 1.0));
    let line = format!("fanfare_http_calls_total{{{listener},ingress=\"none\",status=\"4xx\"}} ");
    assert_eq!(metric(&world.gateway, &line), 7.0);
}

/// The key is in the path, where a log of calls would write it.
#[tokio::test]
async fn no_key_reaches_the_log_in_whichever_form_it_is_shown() {
    let [key, wrong] = [(); 2].map(|()| CallerKey::generate().unwrap());
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), &simulator);
    let file = folder.path().join("fanfare.toml");
    let caller =
        "[callers.a]\napps = [\"*\"]\nproviders = [\"*\"]\nrpcs = [\"SendPush\"]\nservice_classes = [\"*\"]";
    let http = "[[http]]\nlisten = \"127.0.0.1:0\"\nserve = [\"mattermost\"]\n";
    let config = read(&file).replace("fanfare=trace,info", "trace");
    std::fs::write(&file, format!("{config}\n{caller}\nkey_sha256 = [\"{}\"]\n{http}", key.digest()))
        .unwrap();
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut serving = serve_with_log(folder.path(), "gateway", log.into()).await;
    let ready: serde_json::Value = serde_json::from_str(&read(&folder.path().join("gateway.json"))).unwrap();
    let address: SocketAddr = ready["http"][0].as_str().unwrap().parse().unwrap();
    let mut secrets = Vec::new();
    for key in [&key, &wrong] {
        let key = key.expose_secret();
        let basic = STANDARD.encode(format!("a:{key}"));
        let close = "connection: close\r\n";
        for text in [
            post(&format!("/k/{key}{SEND_PUSH}"), close),
            post(&format!("/k/{key}/nothing"), close),
            post(SEND_PUSH, &format!("{close}authorization: Basic {basic}\r\n")),
            post(SEND_PUSH, &format!("{close}authorization: Bearer {key}\r\n")),
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            let answer = rest(stream).await;
            assert!(!answer.contains(key), "{answer}");
        }
        secrets.extend([key.to_owned(), basic]);
    }
    let page = http_get(serving.admin.parse().unwrap(), "/metrics").await;
    signal(&serving.process, "-TERM");
    ended(&mut serving.process).await;
    let log = read(&folder.path().join("log"));
    assert!(log.contains("an unknown caller was refused"), "{log}");
    for secret in secrets {
        assert!(!log.contains(&secret) && !page.contains(&secret), "{secret}");
    }
}
