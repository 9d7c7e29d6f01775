//! What is passed on to another push proxy.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use crate::ingress::mattermost::forward::{Forward, NotForwarded};

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
}

#[test]
fn what_a_push_proxy_reads_is_passed_on_and_nothing_else() {
    let forward = Forward::nowhere("/prefix");
    let came = headers(&[
        ("x-mattermost-auth", "hunter2"),
        ("x-mattermost-serverid", "srv"),
        ("authorization", "Bearer key-of-this-gateway"),
        ("cookie", "a=b"),
        ("content-type", "application/json"),
        ("user-agent", "Go-http-client/1.1"),
    ]);
    let request = forward.request(&came, Bytes::from_static(b"{ }")).unwrap();
    assert_eq!(
        (request.method(), request.path(), &request.body()[..]),
        ("POST", "/prefix/api/v1/send_push", &b"{ }"[..])
    );
    let passed: Vec<_> =
        request.headers().map(|field| String::from_utf8(field.name.to_vec()).unwrap()).collect();
    assert_eq!(passed, ["x-mattermost-auth", "x-mattermost-serverid", "content-type", "via"]);
    assert!(!format!("{request:?}").contains("hunter2"), "it is shown nowhere");
}

#[test]
fn a_push_that_comes_back_is_not_forwarded_again() {
    let forward = Forward::nowhere("");
    let request = forward.request(&headers(&[("via", "1.1 front")]), Bytes::new()).unwrap();
    let via: HeaderMap = request
        .headers()
        .map(|field| (http::header::VIA, HeaderValue::from_bytes(field.value).unwrap()))
        .collect();
    let error = forward.request(&via, Bytes::new()).unwrap_err();
    assert!(matches!(error, NotForwarded::Loop), "{error}");
}
