//! HTTP/1.1 byte by byte, which shows what a client library would hide, and the faults there.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::client::{PATIENCE, Reply, tls_at};
use super::mattermost::{SEND, push};
use crate::journal::RequestOutcome;
use crate::{
    AfterGoAway, Fault, FaultRule, GoAway, HangUp, LastId, Phase, ScriptedAnswer, Simulator, Trigger,
};

/// A connection that can be read and written.
pub(super) trait HttpStream: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> HttpStream for T {}

pub(super) async fn plain(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

pub(super) async fn get(line: &mut impl HttpStream, path: &str, headers: &str) -> Reply {
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    line.write_all(head.as_bytes()).await.unwrap();
    answer(line).await.unwrap()
}

/// Sends a request of any method. The answer to HEAD has no body.
pub(super) async fn request(line: &mut impl HttpStream, method: &str, path: &str, body: &str) -> Reply {
    let len = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len}\r\n\r\n{body}");
    line.write_all(head.as_bytes()).await.unwrap();
    answer(line).await.unwrap()
}

pub(super) async fn post(line: &mut impl HttpStream, path: &str, body: &str) -> std::io::Result<Reply> {
    let len = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len}\r\n\r\n{body}");
    line.write_all(head.as_bytes()).await?;
    answer(line).await
}

async fn line_of(line: &mut impl HttpStream) -> std::io::Result<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n") {
        text.push(line.read_u8().await?);
    }
    text.truncate(text.len() - 2);
    Ok(String::from_utf8(text).unwrap())
}

/// Reads one answer and no byte more. It fails if the connection ends before the answer does.
pub(super) async fn answer(line: &mut impl HttpStream) -> std::io::Result<Reply> {
    let whole = async {
        let head = line_of(line).await?;
        let status = StatusCode::from_bytes(&head.as_bytes()[9..12]).unwrap();
        let mut headers = HeaderMap::new();
        loop {
            let field = line_of(line).await?;
            let Some((name, value)) = field.split_once(": ") else { break };
            headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
        }
        let mut body = Vec::new();
        if headers.contains_key("transfer-encoding") {
            loop {
                let size = usize::from_str_radix(&line_of(line).await?, 16).unwrap();
                let from = body.len();
                body.resize(from + size, 0);
                line.read_exact(&mut body[from..]).await?;
                line_of(line).await?;
                if size == 0 {
                    break;
                }
            }
        } else if let Some(len) = headers.get("content-length") {
            body.resize(len.to_str().unwrap().parse().unwrap(), 0);
            line.read_exact(&mut body).await?;
        }
        Ok(Reply { status, headers, body: Bytes::from(body) })
    };
    tokio::time::timeout(PATIENCE, whole).await.expect("an answer or an end")
}

async fn ends(line: &mut impl HttpStream) -> std::io::Result<usize> {
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, line.read_to_end(&mut rest)).await.expect("an end")
}

async fn proxy_with(fault: Fault) -> (Simulator, TcpStream) {
    let simulator = Simulator::builder().start().await.unwrap();
    simulator.add_fault(FaultRule::once(Trigger::PathPrefix(SEND.to_owned()), fault));
    let line = plain(simulator.mattermost().address()).await;
    (simulator, line)
}

#[tokio::test]
async fn a_connection_is_kept_and_counted() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut line = plain(simulator.mattermost().address()).await;
    for _ in 0..3 {
        assert_eq!(post(&mut line, SEND, &push("600d")).await.unwrap().status, 200);
    }
    simulator.journal().wait_for_answered(3, PATIENCE).await.unwrap();
    let [connection] = simulator.connections().try_into().unwrap();
    assert_eq!((connection.requests, connection.limit, connection.peak_streams), (3, 1, 1));
    let entries = simulator.journal().entries();
    assert_eq!(entries.iter().map(|entry| entry.stream).collect::<Vec<_>>(), [1, 2, 3]);
    drop(line);
    simulator.wait_until(PATIENCE, |s| s.counters().connections_open == 0).await.unwrap();
}

#[tokio::test]
async fn the_connection_ends_before_the_answer() {
    for (how, at, read) in [
        (HangUp::Fin, Phase::BeforeBody, false),
        (HangUp::Fin, Phase::DuringBody, false),
        (HangUp::Fin, Phase::AfterBody, true),
        (HangUp::Reset, Phase::AfterBody, true),
    ] {
        let (simulator, mut line) = proxy_with(Fault::HangUp { how, at }).await;
        let error = post(&mut line, SEND, &push("600d")).await.unwrap_err();
        let reset = error.kind() == std::io::ErrorKind::ConnectionReset;
        assert_eq!(reset, how == HangUp::Reset, "{how:?} {at:?}: {error}");
        let entry = simulator.journal().entries().remove(0);
        assert_eq!(
            (entry.outcome, entry.read.is_some()),
            (RequestOutcome::Unanswered, read),
            "{how:?} {at:?}"
        );
    }
}

#[tokio::test]
async fn the_connection_ends_after_the_head_of_the_answer() {
    for how in [HangUp::Fin, HangUp::Reset] {
        let (simulator, mut line) = proxy_with(Fault::HangUp { how, at: Phase::AfterAnswerHeaders }).await;
        let body = push("600d");
        let head = format!(
            "POST {SEND} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        line.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(line_of(&mut line).await.unwrap(), "HTTP/1.1 200 OK");
        let end = ends(&mut line).await;
        assert_eq!(end.is_err(), how == HangUp::Reset, "{how:?}");
        let outcome = simulator.journal().entries().remove(0).outcome;
        assert!(matches!(outcome, RequestOutcome::Answered { status: 200, .. }));
    }
}

#[tokio::test]
async fn goaway_is_connection_close() {
    let goaway = GoAway { last: LastId::Highest, code: 0, reason: None, then: AfterGoAway::Drain };
    let (simulator, mut line) = proxy_with(Fault::GoAway(goaway.clone())).await;
    let reply = post(&mut line, SEND, &push("600d")).await.unwrap();
    assert_eq!((reply.status.as_u16(), &reply.headers["connection"]), (200, &"close".parse().unwrap()));
    assert_eq!(ends(&mut line).await.unwrap(), 0);

    let mut idle = plain(simulator.mattermost().address()).await;
    post(&mut idle, SEND, &push("600d")).await.unwrap();
    simulator.journal().wait_for_answered(2, PATIENCE).await.unwrap();
    simulator.on_connection(2, &Fault::GoAway(goaway)).unwrap();
    assert_eq!(ends(&mut idle).await.unwrap(), 0);
}

#[tokio::test]
async fn bodies_that_trickle_never_end_or_are_huge() {
    let every = Duration::from_millis(1);
    let (_simulator, mut line) = proxy_with(Fault::Trickle { every }).await;
    let reply = post(&mut line, SEND, &push("600d")).await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.json()["status"].as_str()), (400, Some("FAIL")));

    let (_simulator, mut line) = proxy_with(Fault::HugeBody(10 * 1024 * 1024)).await;
    assert_eq!(post(&mut line, SEND, &push("600d")).await.unwrap().body.len(), 10 * 1024 * 1024);

    for fault in [Fault::BodyWithoutEnd, Fault::HeadersWithoutBody, Fault::Silence, Fault::HalfOpen] {
        let silent = matches!(fault, Fault::Silence | Fault::HalfOpen);
        let (simulator, mut line) = proxy_with(fault).await;
        let body = push("600d");
        let request = format!(
            "POST {SEND} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        line.write_all(request.as_bytes()).await.unwrap();
        let count = u64::from(!silent);
        simulator.journal().wait_for_arrived(1, PATIENCE).await.unwrap();
        simulator.journal().wait_for_answered(count, PATIENCE).await.unwrap();
        simulator.disconnect(1, HangUp::Fin).unwrap_or_default();
        drop(line);
        simulator.shutdown().await;
        assert_eq!(simulator.counters().requests_answered, count);
    }
}

#[tokio::test]
async fn answers_are_scripted_and_slow_writes_arrive_whole() {
    let scripted =
        ScriptedAnswer { status: 502, body: Some("<html>".into()), pieces: 3, ..ScriptedAnswer::default() };
    let (simulator, mut line) = proxy_with(Fault::Answer(scripted)).await;
    let throttle = Fault::Throttle { bytes: 16, every: Duration::from_millis(1) };
    simulator.add_fault(FaultRule::once(Trigger::DeviceToken("600d".to_owned()), throttle));
    let reply = post(&mut line, SEND, &push("600e")).await.unwrap();
    assert_eq!((reply.status.as_u16(), &reply.body[..]), (502, &b"<html>"[..]));
    assert_eq!(post(&mut line, SEND, &push("600d")).await.unwrap().body, "{\"status\":\"OK\"}\n");
}

#[tokio::test]
async fn refused_connections_and_wrong_names_are_refused() {
    let simulator = Simulator::builder().start().await.unwrap();
    let proxy = simulator.mattermost();
    simulator.add_fault(FaultRule::once(Trigger::Connection(1), Fault::RefuseTcp));
    assert!(post(&mut plain(proxy.address()).await, SEND, &push("600d")).await.is_err());
    for fault in [Fault::WrongName, Fault::ExpiredCertificate, Fault::RefuseTls] {
        simulator.add_fault(FaultRule::once(Trigger::Always, fault));
        assert!(tls_at(&simulator, proxy.tls_address(), b"http/1.1", None).await.is_err());
    }
    let mut tls = tls_at(&simulator, proxy.tls_address(), b"http/1.1", None).await.unwrap();
    assert_eq!(post(&mut tls, SEND, &push("600d")).await.unwrap().status, 200);
}

#[tokio::test]
async fn fcm_speaks_http1_to_who_asks_for_it() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut tls = tls_at(&simulator, simulator.fcm().address(), b"http/1.1", None).await.unwrap();
    let reply = post(&mut tls, "/v1/projects/demo-project/messages:send", "{}").await.unwrap();
    assert_eq!((reply.status.as_u16(), &reply.json()["error"]["status"]), (401, &"UNAUTHENTICATED".into()));
}
