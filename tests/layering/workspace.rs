//! The same rules over a workspace of three crates, written for the test: names and manifests across its walls.

use std::fs;
use std::path::Path;

use crate::{assert_planted_are_found, circles};

const FILES: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        r#"
        [package]
        name = "fanfare"
        [workspace.dependencies]
        renamed = { package = "fanfare" }
        "#,
    ),
    ("src/lib.rs", "pub mod push; pub mod desk; pub mod dispatch; pub use fanfare_upstream as upstream;"),
    ("src/main.rs", "fn main() { fanfare::dispatch::run() }"),
    ("src/push.rs", "use crate::upstream::Pool; // planted\n use fanfare_upstream::Pool as P; // planted"),
    (
        "src/desk.rs",
        "use crate::dispatch;\n use fanfare_simulator::Simulator; // planted\n use tonic::Status; // planted",
    ),
    (
        "src/dispatch.rs",
        "use fanfare_upstream::Pool;\n use crate::desk::Desk; // planted\n use h2::Reason; // planted",
    ),
    (
        "crates/upstream/Cargo.toml",
        r#"
        [package]
        name = "fanfare-upstream"
        [dependencies]
        hyper = "1"
        tonic = "1" # planted
        metrics = { package = "prometheus-client", version = "1" } # planted
        gateway = { workspace = true }
        renamed = { workspace = true } # planted
        [target.'cfg(unix)'.dependencies]
        fanfare-simulator = { path = "../simulator" } # planted
        [dev-dependencies]
        fanfare-simulator = { path = "../simulator" }
        prost-types = "1" # planted
        "#,
    ),
    (
        "crates/upstream/src/lib.rs",
        "mod core; mod transport;\n pub use hyper::Error;\n pub struct Pool;\n use h2::Reason; // planted",
    ),
    (
        "crates/upstream/src/core.rs",
        "use crate::Pool;\n use std::sync::Arc; // planted\n use std::time::Instant;",
    ),
    ("crates/upstream/src/transport.rs", "use crate::Pool; // planted\n use tokio::io;"),
    (
        "crates/simulator/Cargo.toml",
        r#"
        [package]
        name = "fanfare-simulator"
        [build-dependencies.fanfare-upstream] # planted
        path = "../upstream"
        "#,
    ),
    ("crates/simulator/src/lib.rs", "use h2::Reason;\n use fanfare_upstream::Pool; // planted"),
];

#[test]
fn walls_between_crates_are_kept() {
    let root = tempfile::tempdir().unwrap();
    written(root.path(), FILES);
    assert_planted_are_found(root.path());
}

/// A parent that only hands on its children, two children that need each other, and a child that needs its parent.
const CIRCLES: &[(&str, &str)] = &[
    ("Cargo.toml", "[package]\n name = \"fanfare\""),
    ("src/lib.rs", "pub mod push; pub mod dispatch;"),
    ("src/push/mod.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
    ("src/push/a.rs", "pub struct A; pub const LIMIT: u8 = 1;"),
    ("src/push/b.rs", "use super::A; pub struct B(A);"),
    ("src/dispatch/mod.rs", "mod a; mod b; mod c; use c::C; pub use a::A; pub struct Owner { a: A }"),
    ("src/dispatch/a.rs", "use super::b; pub struct A; fn f() { b::g() }"),
    ("src/dispatch/b.rs", "use crate::{push::A as Pushed, dispatch as here}; pub fn g() -> here::A {}"),
    ("src/dispatch/c.rs", "#[cfg(test)] use super::Owner; pub struct C;"),
    ("src/dispatch/unused.rs", "use super::Owner;"),
];

#[test]
fn circles_are_found_through_aliases_and_reexports() {
    let root = tempfile::tempdir().unwrap();
    written(root.path(), CIRCLES);
    let found: Vec<_> = circles::circles(root.path()).into_iter().map(|circle| circle.places).collect();
    assert_eq!(found, [["dispatch::a", "dispatch::b"]]);
    let parent = ("src/dispatch/c.rs", "use super::Owner; pub struct C;");
    written(root.path(), &[parent]);
    let found: Vec<_> = circles::circles(root.path()).into_iter().map(|circle| circle.places).collect();
    assert_eq!(found, [["dispatch", "dispatch::c"], ["dispatch::a", "dispatch::b"]]);
}

fn written(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}
