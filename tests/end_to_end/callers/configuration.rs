//! What the configuration says of callers, and what is wrong with it.

use crate::config::{errors, folder};

#[tokio::test]
async fn what_is_wrong_with_a_caller_is_said_with_its_key() {
    let folder = folder().await;
    std::fs::write(folder.path().join("other-ca.pem"), include_str!("../../data/other-ca.pem")).unwrap();
    let another = |rule: &str| {
        format!(
            "\n[callers.another]\napps = [\"*\"]\nproviders = [\"*\"]\nrpcs = [\"*\"]\n\
             service_classes = [\"*\"]\n{rule}\n"
        )
    };
    let spiffe = "spiffe = \"spiffe://example.org/ns/default/sa/orders\"";
    for (from, to, expected) in [
        (
            "apps = [\"shop\", \"droid\"]",
            "apps = [\"shopp\"]",
            "callers.orders.apps: expected the name of an app",
        ),
        ("apps = [\"shop\", \"droid\"]", "", "callers.orders.apps: expected a list of what is permitted"),
        (
            "apps = [\"shop\", \"droid\"]",
            "apps = [\"*\", \"shop\"]",
            "expected \"*\" alone, found it beside others",
        ),
        (
            "providers = [\"apns\", \"fcm\"]",
            "providers = [\"apple\"]",
            "expected one of apns, fcm, web_push, mattermost, or",
        ),
        (
            "rpcs = [\"SendPush\", \"SendBatch\"]",
            "rpcs = [\"Send\"]",
            "expected one of SendPush, SendPushes, SendBatch, or",
        ),
        ("rpcs = [\"SendPush\", \"SendBatch\"]", "", "callers.orders.rpcs: expected what the caller may do"),
        (
            "service_classes = [\"*\"]",
            "service_classes = [\"fast\"]",
            "expected one of interactive, bulk, or",
        ),
        (
            "pushes_per_second = 1000",
            "pushes_per_second = 0",
            "pushes_per_second: expected more than 0, found 0",
        ),
        ("pushes_per_second = 1000", "", "callers.orders.burst: expected pushes_per_second beside it"),
        ("weight = 1", "weight = 0", "callers.orders.weight: expected more than 0, found 0"),
        ("max_streams = 8", "max_streams = 0", "callers.orders.max_streams: expected more than 0, found 0"),
        ("max_streams = 8", "max_stream = 8", "max_stream"),
        (
            spiffe,
            "spiffe = \"spiffe://example.org\"",
            "callers.orders.certificate.spiffe: expected a SPIFFE id",
        ),
        (spiffe, "", "callers.orders.certificate: expected exactly one of spiffe, dns and cn"),
        (spiffe, "cn = \"orders\"\ndns = \"orders\"", "expected exactly one of spiffe, dns and cn"),
        (spiffe, "dns = \"*.internal\"", "callers.orders.certificate.dns: expected one DNS name"),
        (
            "ca_file = \"ca.pem\"",
            "ca_file = \"missing.pem\"",
            "callers.orders.certificate.ca_file: missing.pem",
        ),
        (
            "ca_file = \"ca.pem\"",
            "ca_file = \"news.key\"",
            "callers.orders.certificate.ca_file: news.key: expected PEM",
        ),
        (
            "issuer = \"corp\"",
            "issuer = \"corporation\"",
            "callers.ci.jwt.issuer: expected the name of one of [issuers",
        ),
        ("name = \"ci-runner\"", "name = \"\"", "callers.ci.jwt.name: expected what the token's claim says"),
        ("2a9693c34e7c", "2a9693c3", "callers.web.key_sha256: expected the SHA-256 of a key"),
        ("2a9693c34e7c", "fanfare_2a96", "callers.web.key_sha256: expected the SHA-256 of a key"),
    ] {
        let said = errors(folder.path(), |sample| {
            assert!(sample.contains(from), "{from}");
            sample.replace(from, to)
        });
        assert!(said.contains(expected) && said.contains("changed.toml:"), "{to}: {said}");
    }
    for (rule, expected) in [
        ("", "callers.another: expected something by which the caller is known"),
        (
            "key_sha256 = [\"2a9693c34e7c03a3eb1e0e5a116611033018e4695e7c5035a22fe82ba01761fe\"]",
            "callers.web.key_sha256: expected a key of its own, found that of callers.another",
        ),
        (
            "[callers.another.certificate]\nca_file = \"ca.pem\"\n\
             spiffe = \"spiffe://example.org/ns/default/sa/orders\"",
            "callers.orders.certificate: expected an identity of its own, found that of callers.another",
        ),
        (
            "[callers.another.certificate]\nca_file = \"other-ca.pem\"\nspiffe = \"spiffe://example.org/other\"",
            "a trust domain has one set of authorities",
        ),
    ] {
        let said = errors(folder.path(), |sample| format!("{sample}{}", another(rule)));
        assert!(said.contains(expected), "{rule}: {said}");
    }
    let other_domain =
        "[callers.another.certificate]\nca_file = \"other-ca.pem\"\nspiffe = \"spiffe://other.example/a\"";
    assert_eq!(errors(folder.path(), |sample| format!("{sample}{}", another(other_domain))), "none");
}
