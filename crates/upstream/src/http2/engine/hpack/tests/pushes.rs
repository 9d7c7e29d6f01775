//! What the encoder makes of the heads of pushes.

use super::*;

fn push(id: u32, topic: &str, token: &str) -> Vec<(&'static str, String, Indexing)> {
    use Indexing::{Repeats, Secret, Varies};
    vec![
        (":method", "POST".to_owned(), Repeats),
        (":scheme", "https".to_owned(), Repeats),
        (":authority", "api.push.apple.com".to_owned(), Repeats),
        (":path", format!("/3/device/{id:064x}"), Varies),
        ("content-type", "application/json".to_owned(), Repeats),
        ("apns-push-type", "alert".to_owned(), Repeats),
        ("apns-priority", "10".to_owned(), Repeats),
        ("apns-topic", topic.to_owned(), Repeats),
        ("apns-id", format!("00000000-0000-4000-8000-{id:012x}"), Varies),
        ("content-length", "210".to_owned(), Varies),
        ("authorization", format!("bearer {token}"), Secret),
    ]
}

fn send(encoder: &mut Encoder, push: &[(&str, String, Indexing)]) -> Vec<u8> {
    let fields: Vec<_> =
        push.iter().map(|(name, value, indexing)| (*name, value.as_str(), *indexing)).collect();
    encode(encoder, &fields)
}

/// How many bytes a string has at least.
fn string_len(value: &str) -> usize {
    let mut out = Vec::new();
    crate::http2::engine::hpack::text::encode(value.as_bytes(), &mut out);
    out.len()
}

#[test]
fn what_repeats_is_one_byte_from_the_second_push_on() {
    let mut encoder = Encoder::new();
    send(&mut encoder, &push(0, "com.example.app", "token"));
    for id in 1..1000 {
        let push = push(id, "com.example.app", "token");
        let written: usize =
            push.iter().filter(|field| field.2 != Indexing::Repeats).map(|it| string_len(&it.1)).sum();
        // The name of the path has one byte, and apns-id, content-length and authorization have two each.
        assert_eq!(send(&mut encoder, &push).len(), 7 + written + 1 + 3 * 2);
    }
}

#[test]
fn the_name_of_an_id_is_added_again_once_its_entry_was_evicted() {
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
    let mut ids_in_table = Vec::new();
    for id in 0..300 {
        let push = push(id, &format!("com.example.app{id}"), "token");
        let block = send(&mut encoder, &push);
        let expected: Vec<_> = push.iter().map(|(name, value, _)| (*name, value.as_str())).collect();
        assert_eq!(decode(&mut decoder, &block), Ok(list(&expected)));
        ids_in_table.push(added(encoder.table()).iter().filter(|(name, _)| name == b"apns-id").count());
    }
    assert!(ids_in_table.iter().all(|&count| count == 1), "{ids_in_table:?}");
}

#[test]
fn a_long_value_evicts_nothing() {
    let mut encoder = Encoder::new();
    send(&mut encoder, &push(0, "com.example.app", "token"));
    let before = added(encoder.table());
    for _ in 0..2 {
        encode(
            &mut encoder,
            &[("x", &"v".repeat(1024), Indexing::Repeats), ("y", &"v".repeat(1024), Indexing::Varies)],
        );
    }
    assert_eq!(added(encoder.table()), before);
}

#[test]
fn more_secrets_than_are_kept_are_all_written_as_they_are() {
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
    for round in 0..3 {
        for app in 0..12 {
            // One is too long to be kept.
            let token = format!("{}{app}", "t".repeat(if app == 3 { 5000 } else { 200 }));
            let push = push(round, "com.example.app", &token);
            let expected: Vec<_> = push.iter().map(|(name, value, _)| (*name, value.as_str())).collect();
            assert_eq!(decode(&mut decoder, &send(&mut encoder, &push)), Ok(list(&expected)));
        }
    }
}

#[test]
fn the_smallest_size_that_the_peer_asked_for_is_told_before_the_last() {
    let get = [(":method", "GET", Indexing::Repeats)];
    for (sizes, hex) in [
        (&[][..], "82"),
        (&[4096], "82"),
        (&[1 << 20], "82"),
        (&[0], "20 82"),
        (&[0, 4096], "20 3fe11f 82"),
        (&[100, 0, 256, 200], "20 3fa901 82"),
        (&[256, 512], "3fe101 3fe103 82"),
    ] {
        let mut encoder = Encoder::new();
        sizes.iter().for_each(|&size| encoder.set_table_size(size));
        assert_eq!(encode(&mut encoder, &get), bytes(hex), "{sizes:?}");
        assert_eq!(encode(&mut encoder, &get), bytes("82"), "{sizes:?}");
    }
    let mut encoder = Encoder::new();
    encoder.set_table_size(0);
    encode(&mut encoder, &get);
    encoder.set_table_size(4096);
    assert_eq!(encode(&mut encoder, &get), bytes("3fe11f 82"), "a table that grows has one change");
}
