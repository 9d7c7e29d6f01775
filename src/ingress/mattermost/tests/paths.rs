//! Paths that were not recorded, and calls that do not reach the ingress.

use std::time::Duration;

use super::{body, refused};
use crate::caller::Unknown;
use crate::ingress::http::Refused;
use crate::ingress::mattermost::{Asked, answers};

#[test]
fn the_version_names_this_program() {
    let answer = body(answers::fixed(Asked::Version));
    let version: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let expected = concat!("fanfare ", env!("CARGO_PKG_VERSION"));
    assert_eq!(version, serde_json::json!({ "hash": "unknown", "version": expected }));
    assert!(answer.ends_with('\n'));
}

#[test]
fn a_path_is_its_own_bytes() {
    for path in [
        "",
        "*",
        "/API/v1/send_push",
        "/api/v1/send_push/",
        "//api/v1/send_push/",
        "//x",
        "/%61pi/v1/send_push",
    ] {
        assert_eq!(Asked::of(path), None, "{path}");
    }
    for path in ["//api/v1/send_push", "/api//v1///send_push"] {
        assert_eq!(Asked::of(path), Some(Asked::Moved("/api/v1/send_push")), "{path}");
    }
}

/// Current servers take any status but 200 for a failure of the proxy, and older ones read the body alone.
#[test]
fn a_call_that_is_refused_is_answered_in_words_that_every_server_reads() {
    let of_body = [
        Refused::TooLarge(1 << 20),
        Refused::TooSlow(Duration::from_secs(10)),
        Refused::Broken,
        Refused::Encoded,
        Refused::NoRoom,
    ];
    let of_caller = [
        (Refused::Unknown(Unknown::NothingShown), 401),
        (Refused::ManyCalls, 429),
        (Refused::Rate(Duration::from_secs(1)), 429),
    ];
    for (why, status) in of_body.into_iter().map(|why| (why, 200)).chain(of_caller) {
        let answer = refused(Some(Asked::Push), &why);
        assert_eq!(answer.status().as_u16(), status, "{why:?}");
        let said: serde_json::Value = serde_json::from_str(&body(answer)).unwrap();
        assert_eq!(said, serde_json::json!({ "status": "FAIL", "error": why.to_string() }));
    }
}
