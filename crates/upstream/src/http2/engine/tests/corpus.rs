//! What fuzzing has found once is replayed: the inputs that reach different code, and those that broke a promise.

use std::fs;
use std::path::Path;

use super::fuzzing;

fn replay(target: &str, on: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let inputs: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!inputs.is_empty());
    inputs.iter().for_each(|input| on(&fs::read(input).unwrap()));
}

#[test]
fn answers_of_servers_and_damaged_ones_break_nothing() {
    replay("receive", fuzzing::receive);
}

#[test]
fn sequences_of_operations_break_nothing() {
    replay("session", fuzzing::session);
}

#[test]
fn header_blocks_break_nothing() {
    replay("hpack", fuzzing::hpack);
}
