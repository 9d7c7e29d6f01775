//! The gate by itself: chunks go in, and whole messages come out.

mod compressed;

use std::convert::Infallible;

use futures_util::FutureExt;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use proptest::prelude::*;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::*;
use crate::held_bytes::BytesBudget;

const TIMEOUT: Duration = Duration::from_secs(30);
const LIMIT: MessageLimit = MessageLimit { bytes: 200_000, key: "grpc.max_message_bytes" };

/// More chunks than a test writes before they are read.
const CHUNKS: usize = 8;

/// A caller, and what the decoder sees of it.
struct Call {
    to: Option<mpsc::Sender<Bytes>>,
    body: WholeMessages<std::pin::Pin<Box<dyn Body<Data = Bytes, Error = Infallible>>>>,
}

impl Call {
    fn new(arity: Arity, connection: &ConnectionBytes) -> Self {
        Self::encoded(None, arity, connection)
    }

    fn encoded(encoding: Option<Encoding>, arity: Arity, connection: &ConnectionBytes) -> Self {
        let (to, chunks) = mpsc::channel(CHUNKS);
        let chunks = ReceiverStream::new(chunks).map(|chunk| Ok(Frame::data(chunk)));
        let body = WholeMessages::new(
            Box::pin(StreamBody::new(chunks)) as _,
            LIMIT,
            encoding,
            arity,
            TIMEOUT,
            connection,
        );
        Self { to: Some(to), body }
    }

    fn write(&self, bytes: impl Into<Bytes>) {
        self.to.as_ref().unwrap().try_send(bytes.into()).unwrap();
    }

    /// What the decoder gets, or None where it has to wait.
    fn now(&mut self) -> Option<Option<Result<Bytes, Status>>> {
        self.body.frame().now_or_never().map(|frame| frame.map(|it| it.map(|it| it.into_data().unwrap())))
    }

    fn passed(&mut self) -> Bytes {
        self.now().expect("something is passed").expect("the call goes on").unwrap()
    }

    fn waits(&mut self) -> bool {
        self.now().is_none()
    }

    async fn refused(&mut self) -> Status {
        self.body.frame().await.unwrap().unwrap_err()
    }
}

fn header(length: usize) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend(u32::try_from(length).unwrap().to_be_bytes());
    bytes
}

fn message(length: usize) -> Vec<u8> {
    let mut bytes = header(length);
    bytes.resize(5 + length, 7);
    bytes
}

fn connection(total: usize, most: usize) -> (Arc<BytesBudget>, ConnectionBytes) {
    let budget = BytesBudget::new(total);
    let connection = ConnectionBytes::new(&budget, most, 1);
    (budget, connection)
}

#[tokio::test]
async fn messages_that_come_whole_pass_as_they_came() {
    let (budget, connection) = connection(1_000_000, 1_000_000);
    let mut call = Call::new(Arity::Many, &connection);
    let chunk = Bytes::from([message(10), message(0), message(20)].concat());
    call.write(chunk.clone());
    let passed = call.passed();
    assert_eq!((passed.as_ptr(), passed.len()), (chunk.as_ptr(), chunk.len()), "nothing is copied");
    assert_eq!(budget.held(), chunk.len());
    assert!(call.waits());
    assert_eq!(budget.held(), 0, "the decoder asks again when it has used them up");
    // The only message of a call is decoded where it is passed.
    let mut call = Call::new(Arity::One, &connection);
    call.write(chunk);
    call.passed();
    assert_eq!(budget.held(), 0);
}

#[tokio::test]
async fn a_message_in_pieces_passes_when_it_is_whole() {
    let (budget, connection) = connection(1_000_000, 1_000_000);
    let mut call = Call::new(Arity::Many, &connection);
    let bytes = [message(10), message(300)].concat();
    call.write(bytes[..20].to_vec());
    assert_eq!(call.passed(), bytes[..15]);
    assert!(call.waits());
    assert_eq!(budget.held(), 5, "what was claimed is not there");
    call.write(bytes[20..100].to_vec());
    assert!(call.waits());
    assert_eq!(budget.held(), 85);
    call.write([&bytes[100..], &header(1)].concat());
    assert_eq!(call.passed(), bytes[15..20]);
    assert_eq!(call.passed(), bytes[20..]);
    assert_eq!(budget.held(), 305 + 5);
    assert!(call.waits());
    assert_eq!(budget.held(), 300 + 5, "the decoder keeps a buffer of the largest message");
    call.write(vec![1]);
    assert_eq!((call.passed().len(), call.passed().len()), (5, 1));
    call.to = None;
    assert!(call.now().unwrap().is_none());
    drop(call);
    assert_eq!(budget.held(), 0);
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_by_its_header() {
    let (budget, connection) = connection(1_000_000, 1_000_000);
    for cut in [3, 5] {
        let mut call = Call::new(Arity::One, &connection);
        let bytes = header(LIMIT.bytes + 1);
        call.write(bytes[..cut].to_vec());
        call.write(bytes[cut..].to_vec());
        let status = call.refused().await;
        assert_eq!(status.code(), Code::OutOfRange);
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "FIELD_TOO_LARGE");
        assert!(status.message().contains("200000 bytes (grpc.max_message_bytes), found 200001"), "{status}");
        assert_eq!(budget.held(), 0);
    }
    // What is in front of it was written before, so it is passed first.
    let mut call = Call::new(Arity::Many, &connection);
    call.write([message(3), header(LIMIT.bytes + 1)].concat());
    assert_eq!(call.passed(), message(3));
    assert_eq!(call.refused().await.code(), Code::OutOfRange);
}

#[tokio::test(start_paused = true)]
async fn a_message_has_its_time_to_arrive_and_a_stream_may_be_silent_between_two() {
    let (_, connection) = connection(1_000_000, 1_000_000);
    // A stream is awaited for as long as it likes, and its message from the first byte.
    let mut call = Call::new(Arity::Many, &connection);
    assert!(tokio::time::timeout(100 * TIMEOUT, call.body.frame()).await.is_err());
    for _ in 0..2 {
        let begun = tokio::time::Instant::now();
        let bytes = message(10);
        call.write(bytes[..7].to_vec());
        assert!(tokio::time::timeout(TIMEOUT - Duration::from_secs(1), call.body.frame()).await.is_err());
        call.write(bytes[7..].to_vec());
        assert_eq!((call.passed().len(), call.passed().len()), (5, 10));
        assert!(call.waits());
        tokio::time::advance(TIMEOUT).await;
        assert!(begun.elapsed() > TIMEOUT);
    }
    call.write(header(10));
    let begun = tokio::time::Instant::now();
    let status = call.refused().await;
    assert_eq!((status.code(), begun.elapsed().as_secs()), (Code::Aborted, TIMEOUT.as_secs()));
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "DEADLINE_EXCEEDED");
    // The only message of a call is awaited from the beginning.
    let status = Call::new(Arity::One, &connection).refused().await;
    assert_eq!(status.code(), Code::Aborted);
}

#[tokio::test(start_paused = true)]
async fn large_messages_wait_for_their_turn_and_small_ones_never() {
    let (budget, connection) = connection(1_000_000, 150_000);
    let (mut first, mut second) = (Call::new(Arity::Many, &connection), Call::new(Arity::Many, &connection));
    let large = message(100_000);
    first.write(large[..10].to_vec());
    assert!(first.waits());
    second.write(large[..10].to_vec());
    second.write(large[10..].to_vec());
    assert!(second.waits());
    assert_eq!(budget.held(), 20, "the rest of the second is not taken from its connection");
    let mut small = Call::new(Arity::Many, &connection);
    small.write(message(10));
    assert_eq!(small.passed().len(), 15);
    // Waiting for a turn is not being slow.
    assert!(tokio::time::timeout(3 * TIMEOUT, second.body.frame()).await.is_err());
    first.write(large[10..].to_vec());
    assert_eq!((first.passed().len(), first.passed().len()), (5, 100_000));
    assert!(second.waits(), "the first is not used up yet");
    assert!(first.waits());
    assert_eq!((second.passed().len(), second.passed().len()), (5, 100_000));
}

#[tokio::test]
async fn what_is_over_the_budget_ends_its_call_alone_and_holds_nothing_on() {
    let (budget, connection) = connection(1000, 1_000_000);
    let mut call = Call::new(Arity::Many, &connection);
    call.write(message(400)[..300].to_vec());
    assert!(call.waits());
    let mut other = Call::new(Arity::Many, &connection);
    other.write(message(400)[..300].to_vec());
    let status = other.refused().await;
    assert_eq!(status.code(), Code::Aborted);
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "OVERLOADED");
    assert!(status.get_error_details().retry_info().unwrap().retry_delay.is_some());
    assert_eq!(budget.held(), 300);
    call.write(message(400)[300..].to_vec());
    assert_eq!((call.passed().len(), call.passed().len()), (5, 400));
}

#[tokio::test]
async fn a_call_that_ends_within_a_message_never_looks_like_a_good_end() {
    let (_, connection) = connection(1000, 1000);
    let mut call = Call::new(Arity::Many, &connection);
    call.write(message(10)[..14].to_vec());
    call.to = None;
    assert_eq!(call.refused().await.code(), Code::InvalidArgument);
}

proptest! {
    #[test]
    fn however_messages_are_cut_into_chunks_they_pass_whole_and_in_order(
        lengths in proptest::collection::vec(0..80_usize, 1..12),
        cuts in proptest::collection::vec(1..60_usize, 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _entered = runtime.enter();
        let (budget, connection) = connection(100_000, 1000);
        let mut call = Call::new(Arity::Many, &connection);
        let all: Vec<u8> = lengths.iter().flat_map(|length| message(*length)).collect();
        let (mut rest, mut passed, mut cuts) = (&all[..], Vec::new(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (chunk, more) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
            rest = more;
            call.write(chunk.to_vec());
            while let Some(bytes) = call.now() {
                passed.extend(bytes.unwrap().unwrap());
            }
            // A part of a message is never passed.
            let whole = LIMIT.whole(&passed);
            prop_assert_eq!(whole, passed.len());
        }
        prop_assert_eq!(passed, all);
        drop(call);
        prop_assert_eq!(budget.held(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn few_unary_calls_wait_for_their_turn_and_others_are_refused() {
    let (budget, connection) = connection(1_000_000, 100_000);
    let mut holds = Call::new(Arity::One, &connection);
    holds.write(header(100_000));
    assert!(holds.waits());
    let mut next = Call::new(Arity::One, &connection);
    next.write(header(100_000));
    assert!(next.waits());
    let mut refused = Call::new(Arity::One, &connection);
    refused.write(header(100_000));
    let status = refused.refused().await;
    assert_eq!(status.code(), Code::Aborted);
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "OVERLOADED");
    // A stream waits all the same, since they are bounded by themselves.
    let mut stream = Call::new(Arity::Many, &connection);
    stream.write(header(100_000));
    assert!(stream.waits());
    // Who does not get the turn in time is told the same.
    let status = next.refused().await;
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "OVERLOADED", "{status:?}");
    let mut next = Call::new(Arity::One, &connection);
    next.write(header(100_000));
    assert!(next.waits());
    // Who has the turn leaves the place to another.
    drop((holds, stream));
    assert!(next.waits());
    let mut last = Call::new(Arity::One, &connection);
    last.write(header(100_000));
    assert!(last.waits());
    drop((next, refused, last));
    assert_eq!(budget.held(), 0);
}
