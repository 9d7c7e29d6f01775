//! Compressed messages at the gate.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use zstd_safe::{CCtx, CParameter};

use super::*;

const BOTH: [Encoding; 2] = [Encoding::Gzip, Encoding::Zstd];

/// As much as a bomb becomes: a thousand times the limit or so.
const BOMB: usize = 200 * 1_048_576;

fn compress(encoding: Encoding, plain: &[u8]) -> Vec<u8> {
    match encoding {
        Encoding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        Encoding::Zstd => zstd(plain, true),
    }
}

/// zstd, as a writer has it that knows the length, or does not.
fn zstd(plain: &[u8], says_length: bool) -> Vec<u8> {
    let mut context = CCtx::create();
    context.set_parameter(CParameter::ContentSizeFlag(says_length)).unwrap();
    let mut compressed = Vec::with_capacity(zstd_safe::compress_bound(plain.len()));
    context.compress2(&mut compressed, plain).unwrap();
    compressed
}

/// A message as it is written, compressed already.
fn framed(compressed: &[u8]) -> Vec<u8> {
    let length = u32::try_from(compressed.len()).unwrap().to_be_bytes();
    [&[1][..], &length, compressed].concat()
}

/// The same bytes each time, which no compression makes much smaller.
fn noise(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(|| random.u8(..)).take(length).collect()
}

#[tokio::test]
async fn a_compressed_message_passes_as_it_was_written() {
    for (encoding, arity) in BOTH.into_iter().flat_map(|it| [(it, Arity::One), (it, Arity::Many)]) {
        for plain in [vec![], b"a push".to_vec(), vec![7; LIMIT.bytes], noise(LIMIT.bytes / 2)] {
            let (budget, connection) = connection(1_000_000, 1_000_000);
            let mut call = Call::encoded(Some(encoding), arity, &connection);
            let bytes = framed(&compress(encoding, &plain));
            let (front, rest) = bytes.split_at(bytes.len() / 2);
            call.write(front.to_vec());
            assert!(call.waits());
            call.write(rest.to_vec());
            let mut passed = call.passed().to_vec();
            if !plain.is_empty() {
                passed.extend(call.passed());
            }
            assert_eq!((&passed[..5], &passed[5..]), (&header(plain.len())[..], &plain[..]));
            assert_eq!(budget.held(), plain.len(), "what came is gone, and what it became is held");
            drop(call);
            assert_eq!(budget.held(), 0);
        }
    }
}

#[tokio::test]
async fn a_stream_may_have_messages_of_both_kinds() {
    let (_, connection) = connection(1_000_000, 1_000_000);
    let mut call = Call::encoded(Some(Encoding::Zstd), Arity::Many, &connection);
    // A writer that does not know the length is bounded by its blocks, which is far more here.
    let compressed = framed(&zstd(b"then compressed", false));
    call.write([message(10), compressed, message(20)].concat());
    assert_eq!(call.passed(), message(10));
    assert_eq!(call.passed(), header(15));
    assert_eq!(call.passed(), &b"then compressed"[..]);
    assert_eq!(call.passed(), message(20));
    assert!(call.waits());
}

#[tokio::test]
async fn a_bomb_is_refused_and_holds_nothing() {
    let bomb = vec![0; BOMB];
    let gzip = compress(Encoding::Gzip, &bomb);
    let lies = |mut bomb: Vec<u8>| {
        let at = bomb.len() - 4;
        bomb[at..].copy_from_slice(&100_u32.to_le_bytes());
        bomb
    };
    for (what, encoding, compressed, code, expected) in [
        ("gzip", Encoding::Gzip, gzip.clone(), Code::OutOfRange, "found 209715200"),
        ("gzip that lies", Encoding::Gzip, lies(gzip), Code::InvalidArgument, "not compressed as"),
        ("zstd", Encoding::Zstd, zstd(&bomb, true), Code::OutOfRange, "found 209715200"),
        ("zstd that says nothing", Encoding::Zstd, zstd(&bomb, false), Code::OutOfRange, "found more"),
    ] {
        // What a bomb becomes fits neither the budget nor its limit.
        let (budget, connection) = connection(1_000_000, 1_000_000);
        let mut call = Call::encoded(Some(encoding), Arity::Many, &connection);
        // Bombs that are larger than a message may be before they are decompressed are refused by their header.
        assert!(compressed.len() <= LIMIT.bytes + 10_000, "{what}: {}", compressed.len());
        call.body.limit.bytes = LIMIT.bytes + 10_000;
        call.write(framed(&compressed));
        let status = call.refused().await;
        assert_eq!(status.code(), code, "{what}: {status}");
        assert!(status.message().contains(expected), "{what}: {status}");
        assert_eq!(budget.held(), 0, "{what}");
    }
}

#[tokio::test]
async fn what_a_message_becomes_is_taken_from_the_budget_and_waits_for_its_turn() {
    for encoding in BOTH {
        let plain = vec![7; 150_000];
        let bytes = framed(&compress(encoding, &plain));
        let (_, small) = connection(200_000, 1_000_000);
        let mut call = Call::encoded(Some(encoding), Arity::Many, &small);
        call.write(bytes.clone());
        let status = call.refused().await;
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "OVERLOADED");

        let (budget, connection) = connection(1_000_000, 200_000);
        let mut calls: Vec<_> =
            (0..2).map(|_| Call::encoded(Some(encoding), Arity::Many, &connection)).collect();
        for call in &calls {
            call.write(bytes.clone());
        }
        let [first, second] = &mut calls[..] else { unreachable!() };
        assert_eq!((first.passed().len(), first.passed().len()), (5, plain.len()));
        assert!(second.waits(), "the first is not used up yet");
        assert_eq!(budget.held(), plain.len() + bytes.len());
        assert!(first.waits());
        assert_eq!((second.passed().len(), second.passed().len()), (5, plain.len()));
    }
}

#[tokio::test]
async fn what_is_not_compressed_as_it_says_is_refused() {
    for encoding in BOTH {
        let whole = compress(encoding, b"a push, and another push, and another push");
        let mut changed = whole.clone();
        changed[0] ^= 0xff;
        let other = compress(if encoding == Encoding::Gzip { Encoding::Zstd } else { Encoding::Gzip }, b"x");
        for wrong in [vec![1, 2, 3], whole[..whole.len() - 3].to_vec(), changed, other] {
            let (budget, connection) = connection(1_000_000, 1_000_000);
            let mut call = Call::encoded(Some(encoding), Arity::Many, &connection);
            call.write(framed(&wrong));
            let status = call.refused().await;
            let expected = [Code::InvalidArgument, Code::OutOfRange];
            assert!(expected.contains(&status.code()), "{encoding:?} {wrong:?}: {status}");
            assert_eq!(budget.held(), 0);
        }
    }
}

#[tokio::test]
async fn a_call_without_an_encoding_leaves_such_messages_to_the_decoder() {
    let (_, connection) = connection(1_000_000, 1_000_000);
    let mut call = Call::new(Arity::Many, &connection);
    let bytes = framed(b"whatever");
    call.write(bytes.clone());
    assert_eq!([call.passed(), call.passed()].concat(), bytes);
}

#[test]
fn an_encoding_is_taken_off_its_call_and_one_that_is_unknown_is_refused_with_those_that_are_not() {
    let take = |name: &'static str| {
        let mut headers = http::HeaderMap::new();
        headers.insert("grpc-encoding", http::HeaderValue::from_static(name));
        (Encoding::take(&mut headers), headers.len())
    };
    assert!(matches!(take("gzip"), (Ok(Some(Encoding::Gzip)), 0)));
    assert!(matches!(take("zstd"), (Ok(Some(Encoding::Zstd)), 0)));
    assert!(matches!(take("identity"), (Ok(None), 1)));
    assert!(matches!(Encoding::take(&mut http::HeaderMap::new()), Ok(None)));
    let status = take("deflate").0.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(status.metadata().get("grpc-accept-encoding").unwrap(), "gzip,zstd,identity");
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "NOT_SUPPORTED");
}

proptest! {
    /// Bytes that nobody compressed, and bytes that were changed on their way.
    #[test]
    fn whatever_claims_to_be_compressed_passes_or_is_refused(
        garbage in proptest::collection::vec(any::<u8>(), 0..400),
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _entered = runtime.enter();
        for encoding in BOTH {
            let mut changed = compress(encoding, &garbage);
            let at = at.index(changed.len());
            changed[at] = byte;
            for bytes in [&garbage, &changed] {
                let (budget, connection) = connection(1_000_000, 1_000_000);
                let mut call = Call::encoded(Some(encoding), Arity::Many, &connection);
                call.write(framed(bytes));
                prop_assert!(call.now().is_some(), "nothing is waited for");
                drop(call);
                prop_assert_eq!(budget.held(), 0);
            }
        }
    }
}
