//! The stubs in `src/generated`, and those of the gateway that tests play, are those of the contract. FANFARE_WRITE_STUBS=1
//! writes them anew.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::{env, fs};

#[test]
fn the_stubs_are_the_contracts() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let contract = protox::compile(["fanfare/push/v1/push.proto"], [package.join("../../proto")]).unwrap();
    let client = tonic_prost_build::configure().build_server(false);
    let messages = "::fanfare_client::v1";
    let server = tonic_prost_build::configure().build_client(false).extern_path(".fanfare.push.v1", messages);
    for (stubs, folder) in [(client, "src/generated"), (server, "tests/generated")] {
        let made = tempfile::tempdir().unwrap();
        stubs.out_dir(made.path()).compile_fds(contract.clone()).unwrap();
        let made = fs::read_to_string(made.path().join("fanfare.push.v1.rs")).unwrap();
        let committed = package.join(folder).join("fanfare.push.v1.rs");
        if env::var_os("FANFARE_WRITE_STUBS").is_some() {
            fs::write(&committed, &made).unwrap();
        }
        assert!(
            fs::read_to_string(&committed).unwrap() == made,
            "{} is not the contract's",
            committed.display()
        );
    }
}
