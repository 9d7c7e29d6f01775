//! Forbidden names are planted in a copy of the source, one in each form that Rust has for them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{ROOT, assert_planted_are_found, findings};

/// How a line ends that has to be reported.
const PLANTED: &str = " planted";

/// A part of the house, and the code that is added to its file. Every line that ends in `planted` has to be reported,
/// and no other line.
const PLANTS: &[(&str, &str)] = &[
    ("push", "mod plain { use crate::dispatch::Window; // planted\n }"),
    (
        "push",
        "mod braces { use crate::{\n push::{AppId},\n ingress::{\n grpc::{self}, // planted\n },\n }; }",
    ),
    ("push", "mod upwards { mod inner { use super::super::super::dispatch::Window; // planted\n } }"),
    ("push", "mod upwards_in_code { fn f() { super::super::config::lines(); } // planted\n }"),
    ("push", "mod below_tests { #[cfg(test)] mod tests { use crate::cli; }\n use crate::cli; // planted\n }"),
    ("push", "mod alias { use crate as root;\n use root::dispatch::Window; // planted\n }"),
    ("push", "mod alias_of_self { use crate::{self as root};\n fn f() { root::app::run(); } // planted\n }"),
    ("push", "mod alias_of_parent { use super::super as up;\n fn f() { up::app::run(); } // planted\n }"),
    ("push", "mod extern_alias { extern crate self as gateway;\n use gateway::cli; // planted\n }"),
    ("push", "mod extern_crate { extern crate h2; // planted\n }"),
    ("push", "mod whole_crate { use h2; // planted\n }"),
    ("push", "mod global { fn f() { ::h2::client::handshake(); } // planted\n }"),
    ("push", "mod raw { use crate::r#dispatch::Window; // planted\n }"),
    ("push", "mod root_glob { use crate::*;\n fn f() { dispatch::Window::new(); } // planted\n }"),
    ("push", "mod glob { use crate::dispatch::*; // planted\n }"),
    ("push", "mod expression { fn f() { let _ = 1 + crate::dispatch::LIMIT; } // planted\n }"),
    ("push", "mod types { struct S { window: Option<crate::dispatch::Window> } // planted\n }"),
    ("push", "mod bounds { fn f<T: crate::dispatch::Sends>() {} // planted\n }"),
    ("push", "mod qualified { fn f() { <u8 as crate::dispatch::Sends>::send(); } // planted\n }"),
    ("push", "mod pattern { fn f(x: u8) { if let crate::dispatch::LIMIT = x {} } // planted\n }"),
    ("push", "mod in_function { fn f() { use crate::dispatch::Window; // planted\n } }"),
    (
        "push",
        "mod in_macro { fn f() { assert!(true && [crate::dispatch::LIMIT..].is_empty()); } // planted\n }",
    ),
    ("push", "mod after_range { fn f() { dbg!(0..crate::dispatch::LIMIT); } // planted\n }"),
    (
        "push",
        "mod use_in_macro { thread_local! { static A: u8 = {\n use crate::{self as root};\n root::cli::run() // planted\n }; } }",
    ),
    ("push", "mod macro_body { macro_rules! m { () => { $crate::dispatch::Window::new() }; } // planted\n }"),
    (
        "push",
        "mod macro_use { macro_rules! m { ($x:ident) => { use crate::{$x, dispatch::Window}; }; } // planted\n }",
    ),
    ("push", "mod macro_path { crate::cli::planted!(); // planted\n }"),
    ("push", "mod attribute { #[derive(crate::cli::Planted)] // planted\n struct S; }"),
    (
        "push",
        "mod attribute_string { struct S { #[serde(with = \"crate::config::file\")] // planted\n field: u8 } }",
    ),
    ("push", "mod clock { use std::time::SystemTime; fn f() { SystemTime::now(); } // planted\n }"),
    ("push", "mod clock_alias { type Clock = std::time::Instant; fn f() { Clock::now(); } // planted\n }"),
    ("push", "mod clock_of_type { use std::time::SystemTime; fn f() { <SystemTime>::now(); } // planted\n }"),
    ("push", "mod std_alias { use std as s;\n fn f() { s::fs::read(\"\"); } // planted\n }"),
    ("push", "mod not_for_tests { #[cfg(not(test))] use crate::cli; // planted\n }"),
    ("push", "mod also_for_tests { #[cfg(any(test, unix))] use crate::cli; // planted\n }"),
    ("push", "mod unknown { crate::exported_by_a_macro!(); // planted\n }"),
    ("push", "mod network { use std::{fmt, net::IpAddr}; // planted\n }"),
    ("provider", "mod runtime { async fn f() { tokio::task::yield_now().await; } // planted\n }"),
    ("lib", "pub use crate::dispatch::Window as Planted;"),
    ("push", "mod reexport { use crate::Planted; // planted\n }"),
    ("dispatch", "pub use h2::Reason as PlantedReason; // planted"),
    ("ingress", "mod reexport { use crate::dispatch::PlantedReason; // planted\n }"),
    ("dispatch", "mod generated { use crate::proto::SendPushRequest; // planted\n }"),
    ("dispatch", "mod grpc { use tonic::Status as PlantedStatus; // planted\n }"),
    ("dispatch", "mod simulator { use fanfare_simulator::Simulator; // planted\n }"),
    ("simulator", "mod gateway { use fanfare as gateway;\n use gateway::push::AppId; // planted\n }"),
    ("push", "mod pool { use fanfare_upstream::ServiceClass; // planted\n }"),
    ("push", "mod sockets { use fanfare_upstream::transport::Io; // planted\n }"),
    ("metrics", "mod credential { use crate::credential::Credential; // planted\n }"),
    ("dispatch", "mod desk { use crate::desk::Desk; // planted\n }"),
    ("desk", "mod ingress { use crate::ingress::grpc::GrpcSettings; // planted\n }"),
    ("desk", "mod sockets { use fanfare_upstream::transport::Gathered; // planted\n }"),
    ("upstream", "mod grpc { use tonic::Status; // planted\n }"),
    ("upstream/transport", "mod pool { use crate::Peer; // planted\n }"),
    ("upstream/core", "mod shared { use std::{fmt, sync::Arc}; // planted\n }"),
    ("upstream/core", "mod lock { fn f() { std::sync::Mutex::new(()); } // planted\n }"),
    ("upstream/core", "mod clock { use std::time::Instant; fn f() { Instant::now(); } // planted\n }"),
    ("upstream/core", "mod outer_clock { fn f() { super::Instant::now(); } // planted\n }"),
    (
        "upstream/core",
        "mod age { use std::time::Instant; fn f() { let _ = Instant::elapsed; } // planted\n }",
    ),
    ("upstream/core", "mod task { fn f() { tokio::spawn(async {}); } // planted\n }"),
    ("upstream/core", "mod timer { use tokio::time; fn f() { time::sleep(X); } // planted\n }"),
    ("upstream/core", "mod socket { use crate::transport::Io; // planted\n }"),
    ("upstream/http2/engine", "mod lock { use std::sync::Arc; // planted\n }"),
    ("upstream/http2/engine", "mod library { use h2::client; // planted\n }"),
    // None of these breaks a rule.
    ("upstream/core", "mod time { use std::time::{Duration, Instant}; fn f(at: Instant) -> Instant { at } }"),
    ("push", "mod visibility { pub(in crate::push) fn f() {} /* crate::cli */ }"),
    ("push", "mod text { /// crate::cli\n fn f() { println!(\"crate::cli\"); } }"),
    (
        "push",
        "mod tests_alone { #[cfg(all(test, unix))] use crate::cli; #[cfg(test)] fn f() { crate::cli::run() } }",
    ),
    ("push", "mod tests_of_impl { struct S; impl S { #[cfg(test)] fn f() { crate::cli::run() } } }"),
    ("push", "mod field { fn f(x: u8) { dbg!(x.crate_name, x.tokio::<u8>()); } }"),
    (
        "push",
        "mod own { mod h2 { pub fn f() {} } fn g() { h2::f(); self::h2::f(); super::super::push::f(); } }",
    ),
];

#[test]
fn what_is_planted_is_found() {
    let copy = copied();
    assert!(findings::check(copy.path()).is_empty(), "the clean copy is clean");
    for (part, code) in PLANTS {
        let file = own_file(copy.path(), part);
        let text = fs::read_to_string(&file).unwrap();
        // The plants stand below the file's own tests, which must not hide them.
        fs::write(&file, format!("{text}\n{code}\n")).unwrap();
    }
    assert_planted_are_found(copy.path());
}

/// A copy of everything that the checker reads.
fn copied() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::copy(Path::new(ROOT).join("Cargo.toml"), copy.path().join("Cargo.toml")).unwrap();
    for folder in ["src", "crates"] {
        for file in files(&Path::new(ROOT).join(folder)) {
            let target = copy.path().join(file.strip_prefix(ROOT).unwrap());
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(&file, target).unwrap();
        }
    }
    copy
}

/// Rust sources and manifests below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "toml") {
            found.push(path);
        }
    }
    found
}

/// The file of the module or crate `part`; `upstream/core` is a module of a crate.
fn own_file(root: &Path, part: &str) -> PathBuf {
    let places = [
        root.join(format!("src/{part}.rs")),
        root.join(format!("src/{part}/mod.rs")),
        root.join(format!("crates/{part}/src/lib.rs")),
        root.join(format!("crates/{}/mod.rs", part.replacen('/', "/src/", 1))),
    ];
    places.into_iter().find(|file| file.is_file()).unwrap()
}

/// `file:line` of every line below `root` that says that it is planted.
pub(crate) fn planted_lines(root: &Path) -> BTreeSet<String> {
    let mut planted = BTreeSet::new();
    for path in files(root) {
        let text = fs::read_to_string(&path).unwrap();
        let file = path.strip_prefix(root).unwrap().display().to_string();
        let lines = text.lines().zip(1..).filter(|(line, _)| line.trim_end().ends_with(PLANTED));
        planted.extend(lines.map(|(_, number)| format!("{file}:{number}")));
    }
    planted
}
