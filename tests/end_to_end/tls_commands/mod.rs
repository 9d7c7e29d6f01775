//! `fanfare send` and `fanfare batch` over TLS, and what they show of themselves.

mod certificates;
mod server;

use std::process::Output;

use crate::batch_command::{batch, by_line, line, outcome, read};
use crate::harness::{APP, SOON, World, good};
use certificates::{Ca, Files, text};
use server::ScriptedGateway;

/// Runs `fanfare send` with a push for one device, and these flags.
async fn send(to: &str, flags: &[&str]) -> Output {
    let push = ["send", "--app", APP, "--apns", &good(1), "--title", "Hello", "--to", to];
    let args: Vec<_> = push.iter().chain(flags).map(|&arg| arg.to_owned()).collect();
    let run =
        move || assert_cmd::Command::cargo_bin("fanfare").unwrap().args(args).timeout(SOON).output().unwrap();
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// Sends, and returns what standard error says about an attempt that came to nothing.
async fn refused(to: &str, flags: &[&str]) -> String {
    let ran = send(to, flags).await;
    let error = String::from_utf8(ran.stderr).unwrap();
    assert_eq!((ran.status.code(), ran.stdout.as_slice()), (Some(2), &b""[..]), "{flags:?}: {error}");
    error
}

fn https(gateway: &ScriptedGateway) -> String {
    format!("https://localhost:{}", gateway.address.port())
}

#[tokio::test]
async fn send_shows_its_certificate_and_its_token_to_a_gateway_that_it_trusts() {
    let (ours, callers, files) = (Ca::new(), Ca::new(), Files::new());
    let gateway = ScriptedGateway::start(Some(&ours.issue("localhost")), Some(&callers)).await;
    let client = callers.issue("orders.example");
    let (ca, token) = (files.write("ca.pem", &ours.pem()), files.write("token", "first\n"));
    let (cert, key) = (files.write("cert.pem", &client.certificate), files.write("key.pem", &client.key));
    let flags = ["--ca", &ca, "--cert", &cert, "--key", &key, "--token-file", &token];
    for shown in ["first", "second"] {
        files.write("token", shown);
        let ran = send(&https(&gateway), &flags).await;
        assert!(ran.status.success(), "{ran:?}");
        assert_eq!(gateway.calls(), [(Some(format!("Bearer {shown}")), true)]);
    }

    // With TLS 1.3 the gateway says after the handshake what is wrong, and the connection may be gone before it is read.
    let strange = Ca::new().issue("orders.example");
    let (cert, key) =
        (files.write("other.pem", &strange.certificate), files.write("other.key", &strange.key));
    for flags in [vec!["--ca", &ca], vec!["--ca", &ca, "--cert", &cert, "--key", &key]] {
        let error = refused(&https(&gateway), &flags).await;
        let expected = "it may ask for a client certificate, or for another one (--cert, --key)";
        assert!(error.contains("the connection to the gateway broke") && error.contains(expected), "{error}");
    }
    assert_eq!(gateway.calls(), []);
}

#[tokio::test]
async fn the_environment_names_the_same_files() {
    let (ours, files) = (Ca::new(), Files::new());
    let gateway = ScriptedGateway::start(Some(&ours.issue("localhost")), None).await;
    let (ca, token) = (files.write("ca.pem", &ours.pem()), files.write("token", "first"));
    let to = https(&gateway);
    let run = move || {
        let mut command = assert_cmd::Command::cargo_bin("fanfare").unwrap();
        command.envs([("FANFARE_TO", &to), ("FANFARE_CA", &ca), ("FANFARE_TOKEN_FILE", &token)]);
        let push = ["send", "--app", APP, "--apns", &good(1), "--title", "Hello"];
        command.args(push).timeout(SOON).output().unwrap()
    };
    let ran = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(gateway.calls(), [(Some("Bearer first".to_owned()), false)]);
}

#[tokio::test]
async fn a_gateway_that_cannot_be_verified_gets_nothing_and_what_to_do_is_said() {
    let (ours, files) = (Ca::new(), Files::new());
    let gateway = ScriptedGateway::start(Some(&ours.issue("localhost")), None).await;
    let (ca, other) = (files.write("ca.pem", &ours.pem()), files.write("other.pem", &Ca::new().pem()));
    for flags in [vec![], vec!["--ca", other.as_str()]] {
        let unknown = refused(&https(&gateway), &flags).await;
        assert!(unknown.contains("name the file of that CA by --ca"), "{unknown}");
    }
    let by_number = format!("https://{}", gateway.address);
    let name = refused(&by_number, &["--ca", &ca]).await;
    assert!(name.contains("its certificate is for another name than its address has"), "{name}");

    // TLS to a gateway that speaks none, and none to one that speaks it.
    let world = World::start().await;
    let plain = format!("https://{}", world.gateway.grpc_address());
    let plain = refused(&plain, &["--ca", &ca]).await;
    assert!(plain.contains("a gateway without TLS has an address of http://"), "{plain}");
    let unencrypted = refused(&format!("http://{}", gateway.address), &[]).await;
    assert!(unencrypted.contains("it may speak TLS, which an address of https:// asks for"), "{unencrypted}");
    let file = files.write("pushes.ndjson", &line(&good(1), "x"));
    let ran =
        batch([file.as_str(), "--to", &format!("http://{}", gateway.address), "--reconnect-for", "0s"]).await;
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("it may speak TLS, which an address of https:// asks for"), "{}", ran.stderr);
    // The silent one is reached, and its connection does not break.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent =
        refused(&format!("http://{}", listener.local_addr().unwrap()), &["--timeout", "100ms"]).await;
    assert!(silent.contains("the gateway gave no verdict in time (--timeout)"), "{silent}");
    assert_eq!((gateway.calls(), world.simulator.journal().arrived()), (vec![], 0));
}

#[tokio::test]
async fn each_file_that_cannot_be_used_gets_its_sentence() {
    let (ours, files) = (Ca::new(), Files::new());
    let gateway = ScriptedGateway::start(Some(&ours.issue("localhost")), None).await;
    let (one, other) = (ours.issue("one.example"), ours.issue("other.example"));
    let (cert, key) = (files.write("cert.pem", &one.certificate), files.write("key.pem", &one.key));
    let (foreign, empty) = (files.write("foreign.pem", &other.key), files.write("empty", ""));
    let lines = files.write("lines", "secret\nsecond");
    let missing = text(&files.path("missing"));
    let cases: [(&[&str], &str); 10] = [
        (&["--ca", &missing], "--ca MISSING: cannot be read: No such file"),
        (&["--ca", &key], "--ca KEY: expected PEM certificates"),
        (&["--cert", &cert], "--key"),
        (&["--key", &key], "--cert"),
        (&["--cert", &empty, "--key", &key], "--cert EMPTY: expected PEM certificates"),
        (&["--cert", &cert, "--key", &cert], "--key CERT: expected a PEM private key"),
        (&["--cert", &cert, "--key", &foreign], "--cert CERT does not go with --key FOREIGN"),
        (&["--token-file", &missing], "--token-file MISSING: cannot be read: No such file"),
        (&["--token-file", &empty], "--token-file EMPTY: expected a token, found an empty file"),
        (&["--token-file", &lines], "--token-file LINES: expected one token, found several lines"),
    ];
    let named = [
        ("MISSING", &missing),
        ("KEY", &key),
        ("CERT", &cert),
        ("EMPTY", &empty),
        ("FOREIGN", &foreign),
        ("LINES", &lines),
    ];
    for (flags, expected) in cases {
        let expected = named.iter().fold(expected.to_owned(), |text, (name, path)| text.replace(name, path));
        let error = refused(&https(&gateway), flags).await;
        assert!(error.starts_with("error: ") && error.contains(&expected), "{flags:?}: {error}");
        assert!(!error.contains("secret") && !error.contains("PRIVATE KEY-"), "{error}");
    }
    assert_eq!(gateway.calls(), []);
}

/// A batch of this many lines needs several messages.
const LINES: usize = 1_000;

fn lines() -> String {
    (0..LINES).map(|it| line(&good(it), "x")).collect()
}

#[tokio::test]
async fn a_batch_whose_token_expires_goes_on_with_the_newer_one() {
    let (ours, files) = (Ca::new(), Files::new());
    let gateway = ScriptedGateway::start(Some(&ours.issue("localhost")), None).await;
    let (ca, token) = (files.write("ca.pem", &ours.pem()), files.write("token", "first"));
    let (file, results) = (files.write("pushes.ndjson", &lines()), text(&files.path("results.ndjson")));
    let renewed = files.path("token");
    gateway.expire("first", move || std::fs::write(&renewed, "second").unwrap());
    let to = https(&gateway);
    let flags = ["--ca", ca.as_str(), "--token-file", token.as_str(), "--results", results.as_str()];
    let [a, b, c, d, e, f] = flags;
    let ran = batch([file.as_str(), "--to", to.as_str(), a, b, c, d, e, f, "--streams", "3"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let results = by_line(&read(results.as_ref()));
    assert_eq!(results.len(), LINES);
    assert!(results.values().all(|result| outcome(result) == "ACCEPTED"));
    assert_eq!(gateway.device_tokens().len(), LINES);
    let calls = gateway.calls();
    for token in ["first", "second"] {
        assert!(calls.contains(&(Some(format!("Bearer {token}")), false)), "{calls:?}");
    }
    assert!(!ran.stderr.contains("first") && !ran.stderr.contains("second"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_batch_whose_token_is_not_renewed_breaks_off_and_another_run_goes_on() {
    let (ours, files) = (Ca::new(), Files::new());
    let gateway = ScriptedGateway::start(Some(&ours.issue("localhost")), None).await;
    let (ca, token) = (files.write("ca.pem", &ours.pem()), files.write("token", "first"));
    let (file, results) = (files.write("pushes.ndjson", &lines()), text(&files.path("results.ndjson")));
    gateway.expire("first", || {});
    let to = https(&gateway);
    let args =
        [file.as_str(), "--to", &to, "--ca", &ca, "--token-file", &token, "--results", results.as_str()];
    let first = batch(args).await;
    assert_eq!(first.code, Some(3), "{}", first.stderr);
    assert!(first.stderr.contains("Unauthenticated (CALLER_UNKNOWN)"), "{}", first.stderr);
    assert_eq!(gateway.calls().len(), 1, "the same token was shown twice");

    files.write("token", "second");
    let second = batch(args).await;
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    let results = by_line(&read(results.as_ref()));
    assert_eq!((results.len(), gateway.device_tokens().len()), (LINES, LINES));
    assert!(results.values().all(|result| outcome(result) == "ACCEPTED"));
}
