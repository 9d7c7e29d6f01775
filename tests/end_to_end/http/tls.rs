//! TLS: HTTP/2 and HTTP/1.1 by ALPN, client certificates as callers, and certificates that change.

use std::sync::Arc;

use fanfare::caller::{CertificateIdentity, CertificateRule};
use tokio_rustls::client::TlsStream;

use super::*;
use crate::harness::{config, metric};
use crate::listener::authority::{Authority, handshake};
use crate::listener::frames::{PREFACE, SETTINGS, goaways};

/// A connection by TLS of somebody who shows the certificate of this authority and offers this protocol.
async fn secure(
    world: &World,
    own: &Authority,
    shows: Option<&Authority>,
    alpn: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    handshake(&Arc::new(own.client(shows, alpn)), connect(world).await).await
}

fn by_certificate(of: &Authority) -> CallerSettings {
    let identity = CertificateIdentity::Dns("caller.example".to_owned());
    let certificate = Some(CertificateRule::new(of.roots(), identity).unwrap());
    CallerSettings { certificate, ..caller("orders", &[]) }
}

#[tokio::test]
async fn a_certificate_makes_a_caller_known_and_a_reload_brings_another_certificate() {
    let [own, callers, renewed] = [(); 3].map(|()| Authority::new());
    let world = world(|http, config| {
        config.callers = vec![by_certificate(&callers)];
        http.listener.tls = Some(own.server(&[]));
    })
    .await;
    let ask = async |own: &Authority, shows| {
        let mut stream = secure(&world, own, shows, b"http/1.1").await?;
        stream.write_all(post(SEND_PUSH, "connection: close\r\n").as_bytes()).await?;
        Ok::<_, std::io::Error>(status_of(&rest(stream).await))
    };
    assert!(is_taken(ask(&own, Some(&callers)).await.unwrap()));
    assert_eq!(ask(&own, None).await.unwrap(), 401);
    // When it ends is told under the name of the listener.
    let ends = || {
        let name = "fanfare_listener_certificate_expiry_timestamp_seconds";
        let listener = format!("http:{}", world.gateway.http_addresses()[0]);
        metric(&world.gateway, &format!("{name}{{listener=\"{listener}\"}} "))
    };
    assert!(ends() > 0.0);
    let mut newer = config(&world.simulator);
    let mut http = listener();
    http.listener.tls = Some(renewed.server(&[]));
    newer.callers = vec![by_certificate(&callers)];
    newer.http.push(http);
    assert_eq!(world.gateway.reload(newer).unwrap().changed, ["http.tls"]);
    assert!(is_taken(ask(&renewed, Some(&callers)).await.unwrap()));
    assert!(ask(&own, Some(&callers)).await.is_err(), "the former certificate is not shown any more");
}

#[tokio::test]
async fn the_client_chooses_its_http_and_over_http_2_it_is_told_to_go() {
    let own = Authority::new();
    let world = world(|http, _| http.listener.tls = Some(own.server(&[]))).await;
    let stream = secure(&world, &own, None, b"h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut send, connection) = h2::client::handshake(stream).await.unwrap();
    let driven = tokio::spawn(connection);
    let request = http::Request::post(format!("https://gateway{SEND_PUSH}")).body(()).unwrap();
    let (answer, mut body) = send.send_request(request, false).unwrap();
    body.send_data(bytes::Bytes::from_static(BODY.as_bytes()), true).unwrap();
    let answer = timeout(SOON, answer).await.unwrap().unwrap();
    assert!(is_taken(answer.status().as_u16()), "{answer:?}");
    // A head is as large at most as over HTTP/1.1, and one that is larger ends its call alone.
    for (bytes, expected) in [(15 * 1024, true), (17 * 1024, false)] {
        let request =
            http::Request::post(format!("https://gateway{SEND_PUSH}")).header("x", "x".repeat(bytes));
        let (answer, _) = send.send_request(request.body(()).unwrap(), true).unwrap();
        let answer = timeout(SOON, answer).await.unwrap().unwrap();
        assert_eq!(answer.status() != 431, expected, "{bytes}: {answer:?}");
    }
    drop((send, body, answer));
    timeout(SOON, driven).await.expect("the connection ends").unwrap().unwrap();

    let mut raw = secure(&world, &own, None, b"h2").await.unwrap();
    raw.write_all(&[PREFACE, SETTINGS].concat()).await.unwrap();
    // What the server says first has come before it drains.
    let mut first = [0; 9];
    timeout(SOON, raw.read_exact(&mut first)).await.unwrap().unwrap();
    let ends = tokio::spawn(world.gateway.shut_down());
    let mut said = first.to_vec();
    let _ = timeout(SOON, raw.read_to_end(&mut said)).await.expect("the connection is closed");
    let told = goaways(&said);
    assert!(!told.is_empty() && told.iter().all(|error| *error == 0), "{told:?}");
    timeout(SOON, ends).await.expect("the gateway ends").unwrap();
}
