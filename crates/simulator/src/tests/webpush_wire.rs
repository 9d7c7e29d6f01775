//! The push services of browsers over HTTP/1.1, and faults of the wire.

use http::Request;
use tokio::io::AsyncWriteExt as _;

use super::client::{Client, PATIENCE, finish, tls_at};
use super::http1::answer;
use super::webpush_sender::{Sealing, Sender, seal};
use crate::journal::RequestOutcome;
use crate::{
    AfterGoAway, Fault, FaultRule, GoAway, LastId, ScriptedAnswer, Service, Simulator, Trigger, Vendor,
    WebPushScriptedOutcome, WebPushSettings,
};

#[tokio::test]
async fn http_1_is_served_too_and_scripts_strike() {
    let sender = Sender::start().await;
    let to = sender.subscribe(Vendor::Mozilla, WebPushScriptedOutcome::Good);
    let fault = Fault::Answer(ScriptedAnswer::refusal(503, "202"));
    sender.simulator.add_fault(FaultRule::once(Trigger::Service(Service::WebPush), fault));
    sender.simulator.add_fault(FaultRule::once(
        Trigger::DeviceToken(to.path.clone()),
        Fault::Answer(ScriptedAnswer::default()),
    ));
    let mut line =
        tls_at(&sender.simulator, sender.simulator.web_push().address(), b"http/1.1", None).await.unwrap();
    for expected in [503, 200, 201] {
        let body = seal(&to, b"over one", &Sealing::default());
        let mut head =
            format!("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n", to.path, body.len());
        for (name, value) in sender.headers() {
            head += &format!("{name}: {value}\r\n");
        }
        line.write_all(&[head.as_bytes(), b"\r\n", &body].concat()).await.unwrap();
        let reply = answer(&mut line).await.unwrap();
        assert_eq!(reply.status, expected);
        if expected == 503 {
            assert_eq!(reply.json()["errno"], 202);
        }
    }
    assert_eq!(sender.got(&to), ["over one"]);
    assert!(sender.simulator.journal().entries()[2].read.as_ref().unwrap().decrypted.is_some());
}

#[tokio::test]
async fn goaway_excludes_a_message_that_its_browser_never_gets() {
    let mut sender = Sender::start().await;
    let to = sender.subscribe(Vendor::Apple, WebPushScriptedOutcome::Good);
    let goaway = GoAway { last: LastId::BeforeThis, code: 0, reason: None, then: AfterGoAway::Drain };
    sender.simulator.add_fault(FaultRule::once(Trigger::PathPrefix(to.path.clone()), Fault::GoAway(goaway)));
    let request = Request::post(format!("https://localhost{}", to.path))
        .header("authorization", sender.authorization())
        .header("ttl", "60")
        .header("content-encoding", "aes128gcm");
    let body = seal(&to, b"excluded", &Sealing::default());
    let response = sender.client.start_request(request.body(()).unwrap(), body).await;
    assert!(finish(response).await.unwrap_err().is_go_away());
    let excluded = |s: &Simulator| s.journal().entries()[0].outcome == RequestOutcome::Excluded;
    sender.simulator.wait_until(PATIENCE, excluded).await.unwrap();
    let tls = tls_at(&sender.simulator, sender.simulator.web_push().address(), b"h2", None).await.unwrap();
    sender.client = Client::over(tls, None).await;
    assert_eq!(sender.send(&to, "sent again").await.status, 201);
    assert_eq!(sender.got(&to), ["sent again"]);
}

#[tokio::test]
async fn a_service_without_http_2_does_not_offer_it() {
    let settings = WebPushSettings { http2: false, ..WebPushSettings::default() };
    let simulator = Simulator::builder().web_push(settings).start().await.unwrap();
    let refused = tls_at(&simulator, simulator.web_push().address(), b"h2", None).await;
    assert!(refused.is_err(), "no protocol in common");
    let tls = tls_at(&simulator, simulator.web_push().address(), b"http/1.1", None).await.unwrap();
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
}
