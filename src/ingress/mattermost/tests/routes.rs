//! Paths that were not recorded.

use http::Method;

use crate::ingress::mattermost::routes::{Asked, asked};

fn status(method: &Method, path: &str) -> u16 {
    match asked(method, path) {
        Asked::Fixed(answer) => answer.status().as_u16(),
        asked => panic!("{path} asks for {asked:?}"),
    }
}

#[test]
fn the_version_names_this_program() {
    let Asked::Fixed(answer) = asked(&Method::GET, "/version") else { panic!("it has one answer") };
    let version: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    let expected = concat!("fanfare ", env!("CARGO_PKG_VERSION"));
    assert_eq!(version, serde_json::json!({ "hash": "unknown", "version": expected }));
    assert!(answer.body().ends_with(b"\n"));
}

#[test]
fn a_path_is_its_own_bytes() {
    for path in ["", "*", "/API/v1/send_push", "/api/v1/send_push/..", "/%61pi/v1/send_push"] {
        assert_eq!(status(&Method::POST, path), 404, "{path}");
    }
    let Asked::Fixed(answer) = asked(&Method::GET, "///a//b") else { panic!("it has one answer") };
    assert_eq!((answer.status().as_u16(), &answer.headers()["location"]), (301, &"/a/b".parse().unwrap()));
}
