//! What `fanfare batch` reads: lists of devices of every push service, CSV, compressed files and files from Windows; and how it
//! reports what it does.

use std::io::Write;

use serde_json::Value;

use crate::batch_command::{address, batch, by_line, line, outcome};
use crate::harness::{APP, World, good};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn tables_and_compressed_files_are_read_and_bad_records_named() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let table = format!(
        "\u{feff}user,ID,Device_Token\r\n17,\"a\",{}\r\n\"a name\nin two lines\",b,{}\r\n3,c\r\n4,d,\"not hex\"\r\n",
        good(1),
        good(2)
    );
    let plain = format!("\u{feff}{}\r\n\r\n{{\"apns\":\"{}\",\"id\":\"mine\"}}\r\n", good(3), good(4));
    let files: [(&str, Vec<u8>, &[u64]); 4] = [
        ("users.csv", table.clone().into_bytes(), &[5, 6]),
        ("users.csv.gz", gzip(&table), &[5, 6]),
        ("tokens.txt", plain.clone().into_bytes(), &[]),
        ("tokens", gzip(&plain), &[]),
    ];
    for (name, bytes, bad) in files {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let before = world.simulator.journal().arrived();
        let ran =
            batch([file.to_str().unwrap(), "--to", &address(&world), "--app", APP, "--title", "Sale"]).await;
        assert_eq!(by_line(&ran.stdout).keys().copied().collect::<Vec<_>>(), bad, "{name}: {}", ran.stdout);
        assert_eq!(ran.code, Some(i32::from(!bad.is_empty())), "{name}: {}", ran.stderr);
        assert_eq!(world.simulator.journal().arrived(), before + 2, "{name}: {}", ran.stderr);
    }
    // A record without a token is no device. If the token itself is wrong, the gateway says so.
    let file = folder.path().join("users.csv");
    let ran =
        batch([file.to_str().unwrap(), "--to", &address(&world), "--app", APP, "--title", "Sale"]).await;
    let bad = by_line(&ran.stdout);
    assert_eq!((outcome(&bad[&5]), outcome(&bad[&6])), ("INVALID_PUSH", "INVALID_TOKEN"));
    assert!(ran.stderr.contains("line 5: "), "{}", ran.stderr);
    assert_eq!(bad[&6]["id"], "d");
}

#[tokio::test]
async fn a_table_that_cannot_be_read_is_an_error_in_words() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    for (text, why) in [
        ("user,name\n1,a\n".to_owned(), "expected token or device_token or apns, found \"user\", \"name\""),
        (format!("token\n\"{}", "x".repeat(3_000_000)), "a quote may not be closed"),
    ] {
        let file = folder.path().join("users.csv");
        std::fs::write(&file, text).unwrap();
        let ran =
            batch([file.to_str().unwrap(), "--to", &address(&world), "--app", APP, "--title", "Sale"]).await;
        assert_eq!(ran.code, Some(3), "{}", ran.stderr);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
    }
    assert_eq!(world.simulator.journal().arrived(), 0);
}

#[tokio::test]
async fn scripts_get_json() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pushes.ndjson");
    std::fs::write(&file, line(&good(1), "x") + "no push\n" + &line("dead01", "x")).unwrap();
    let ran = batch([file.to_str().unwrap(), "--to", &address(&world), "--json"]).await;
    let lines: Vec<Value> = ran.stderr.lines().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert!(lines[0]["message"].as_str().unwrap().starts_with("line 2: "), "{}", ran.stderr);
    let summary = lines.last().unwrap();
    assert_eq!(
        (&summary["done"], &summary["settled"], &summary["bad_lines"]),
        (&true.into(), &3.into(), &1.into())
    );
    assert_eq!(summary["outcomes"]["ACCEPTED"], 1);
}

#[tokio::test]
async fn a_pace_is_kept_over_all_streams() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pushes.ndjson");
    std::fs::write(&file, (0..300).map(|n| line(&good(n), "x")).collect::<String>()).unwrap();
    let ran = batch([
        file.to_str().unwrap(),
        "--to",
        &address(&world),
        "--rate",
        "200",
        "--streams",
        "3",
        "--json",
    ])
    .await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let summary: Value = serde_json::from_str(ran.stderr.lines().last().unwrap()).unwrap();
    // There are 300 pushes, and a burst of 10 leaves at once.
    assert!(summary["seconds"].as_f64().unwrap() >= 290.0 / 200.0 - 0.1, "{summary}");
    assert_eq!(world.simulator.journal().arrived(), 300);
}

#[tokio::test]
async fn blank_lines_of_a_table_are_skipped_whatever_ends_them() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.csv");
    let (first, second) = (good(1), good(2));
    for text in [
        format!("token\r\n{first}\r\n\r\n{second}\r\n\r\n"),
        format!("token,id\n{first},a\n\n  \n{second},b\n"),
    ] {
        std::fs::write(&file, &text).unwrap();
        let ran =
            batch([file.to_str().unwrap(), "--to", &address(&world), "--app", APP, "--title", "Sale"]).await;
        assert_eq!(ran.code, Some(0), "{text:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("2 pushes in "), "{text:?}: {}", ran.stderr);
    }
}

#[tokio::test]
async fn what_a_bad_line_says_does_nothing_to_a_terminal() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pushes.ndjson");
    std::fs::write(&file, "{\"\\u001b[2J\\n\":1}\n").unwrap();
    let ran = batch([file.to_str().unwrap(), "--to", &address(&world)]).await;
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("'\\u{1b}[2J\\n'") && !ran.stderr.contains('\u{1b}'), "{:?}", ran.stderr);
}
