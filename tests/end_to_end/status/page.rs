//! The page: one answer that asks for nothing else, under a policy that lets nothing else in.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::harness::{World, http_get};

/// What is between the first of these two.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    text.split_once(begin).unwrap().1.split_once(end).unwrap().0
}

#[tokio::test]
async fn the_page_names_no_other_host_and_its_policy_lets_only_itself_in() {
    let world = World::start().await;
    let answer = http_get(world.gateway.admin_address(), "/").await;
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-type: text/html"), "{head}");
    let policy = between(head, "content-security-policy: ", "\r\n");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    for (kind, text) in
        [("style", between(page, "<style>", "</style>")), ("script", between(page, "<script>", "</script>"))]
    {
        let hash = STANDARD.encode(Sha256::digest(text));
        assert!(policy.contains(&format!("{kind}-src 'sha256-{hash}'")), "{kind}: {policy}");
    }
    let others = page.replace("http://www.w3.org/2000/svg", "");
    for forbidden in
        ["http://", "https://", "//cdn", "@import", "url(", "innerHTML", "insertAdjacentHTML", "eval("]
    {
        assert!(!others.contains(forbidden), "the page has {forbidden}");
    }
}
