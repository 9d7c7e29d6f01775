//! `fanfare caller-key`: the binary itself makes and shows keys.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use assert_cmd::Command;
use sha2::{Digest, Sha256};

use crate::batch_command::read;
use crate::harness::SOON;

fn caller_key<const N: usize>(args: [&str; N], stdin: &str) -> Output {
    let mut command = Command::cargo_bin("fanfare").unwrap();
    command.arg("caller-key").args(args).write_stdin(stdin).timeout(SOON).output().unwrap()
}

fn said(output: &[u8]) -> &str {
    std::str::from_utf8(output).unwrap()
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The key of a text that has nothing else.
fn key(text: &str) -> &str {
    let key = text.strip_suffix('\n').unwrap();
    let random = key.strip_prefix("fanfare_").unwrap();
    assert!(
        random.len() == 32 && random.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it))
    );
    key
}

#[test]
fn a_key_is_printed_once_beside_the_line_of_the_configuration() {
    let (one, other) = (caller_key([], ""), caller_key([], ""));
    assert!(one.status.success() && other.status.success(), "{one:?}");
    assert_ne!(one.stdout, other.stdout);
    let (printed, told) = (key(said(&one.stdout)), said(&one.stderr));
    assert!(told.contains("[callers.NAME]") && !told.contains(printed), "{told}");
    assert_eq!(told.lines().last(), Some(format!("key_sha256 = [\"{}\"]", sha256(printed)).as_str()));

    let shown = caller_key(["--show", "-"], said(&one.stdout));
    assert_eq!(said(&shown.stdout).trim_end(), sha256(printed), "{shown:?}");
}

#[test]
fn a_key_in_a_file_is_for_its_owner_alone_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orders.key");
    let name = file.to_str().unwrap();
    let made = caller_key([name], "");
    assert!(made.status.success() && made.stdout.is_empty(), "{made:?}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let written = read(&file);
    let digest = sha256(key(&written));
    assert!(said(&made.stderr).contains(&digest) && !said(&made.stderr).contains(key(&written)), "{made:?}");

    let again = caller_key([name], "");
    assert_eq!(again.status.code(), Some(2));
    assert!(said(&again.stderr).contains("exists already and is not overwritten"), "{again:?}");
    assert_eq!(read(&file), written);

    let shown = caller_key(["--show", name], "");
    assert_eq!((said(&shown.stdout).trim_end(), said(&shown.stderr)), (digest.as_str(), ""));

    // Elsewhere - is a standard stream, so no file is called so.
    let dash = caller_key(["-"], "");
    assert_eq!((dash.status.code(), said(&dash.stdout)), (Some(2), ""));
    assert!(said(&dash.stderr).contains("expected the name of a file to write, found -"), "{dash:?}");
}

#[test]
fn what_is_no_key_is_said_and_not_repeated() {
    let no_key = caller_key(["--show", "-"], "fanfare_secret");
    assert_eq!(no_key.status.code(), Some(2));
    assert!(
        said(&no_key.stderr).contains("- is no key of a caller: expected `fanfare_` and 32"),
        "{no_key:?}"
    );
    assert!(!said(&no_key.stderr).contains("secret"), "{no_key:?}");
    let nothing = caller_key(["--show"], "");
    assert!(nothing.status.code() == Some(2) && said(&nothing.stderr).contains("<FILE>"), "{nothing:?}");
    let missing = caller_key(["--show", "/does/not/exist"], "");
    assert!(
        missing.status.code() == Some(2) && said(&missing.stderr).contains("/does/not/exist"),
        "{missing:?}"
    );
}
