//! The walls inside the house: who may name whom. `rules.rs` has the rules, `ARCHITECTURE.md` the picture.
//!
//! `findings::check` reads every module as it is compiled without its tests, follows each path that stands in it to
//! what it names, and holds that against the rules. `planting.rs` shows that it sees what it has to see.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::wildcard_enum_match_arm, reason = "syntax has many forms, of which few can name something")]

mod circles;
mod findings;
mod log_lines;
mod manifests;
mod planting;
mod reader;
mod resolve;
mod rules;
mod tokens;
mod tree;
mod workspace;

use std::collections::BTreeSet;
use std::path::Path;

use findings::Finding;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn every_place_names_only_what_it_may() {
    let findings = findings::check(Path::new(ROOT));
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn no_files_need_each_other() {
    let circles = circles::circles(Path::new(ROOT));
    assert!(circles.is_empty(), "files that need each other: {circles:#?}");
}

/// Asserts that exactly those lines below `root` are reported that say that they are planted.
fn assert_planted_are_found(root: &Path) {
    let line = |finding: &Finding| format!("{}:{}", finding.file.display(), finding.line);
    let findings = findings::check(root);
    let found: BTreeSet<String> = findings.iter().map(line).collect();
    let planted = planting::planted_lines(root);
    assert!(!planted.is_empty());
    let missed: Vec<_> = planted.difference(&found).collect();
    assert!(missed.is_empty(), "planted, but not reported: {missed:#?}");
    let extra: Vec<_> = findings.iter().filter(|finding| !planted.contains(&line(finding))).collect();
    assert!(extra.is_empty(), "reported, but not planted: {extra:#?}");
}
