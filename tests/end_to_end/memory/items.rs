//! Items that cannot be decoded are results, and those around them are sent.

use fanfare::proto::{self, Outcome, Reason, SendBatchResponse};
use prost::Message;
use tonic_types::StatusExt;

use super::RawCaller;
use crate::harness::{APP, World, alert, device, good, push};

/// Marks the text that is damaged once a message is encoded.
const MARK: &str = "??";

fn damaged(message: &impl Message) -> Vec<u8> {
    let mut bytes = message.encode_to_vec();
    while let Some(at) = bytes.windows(MARK.len()).position(|it| it == MARK.as_bytes()) {
        bytes[at] = 0xff;
    }
    bytes
}

fn bad_content() -> Option<proto::Content> {
    Some(alert(MARK, ""))
}

fn request() -> (Vec<proto::Push>, Vec<proto::Multicast>) {
    let bad = proto::Push { id: "bad".to_owned(), content: bad_content(), ..push(&good(1)) };
    let addressee = |id: &str, n| proto::Addressee { id: id.to_owned(), target: Some(device(&good(n))) };
    let multicast = proto::Multicast {
        content: Some(alert("All", "of you")),
        addressees: vec![addressee("first", 3), addressee(MARK, 4), addressee("last", 5)],
        labels: [("campaign".to_owned(), "autumn".to_owned())].into(),
        ..proto::Multicast::default()
    };
    let unreadable = proto::Multicast { content: bad_content(), ..multicast.clone() };
    let unreadable = proto::Multicast { addressees: vec![addressee("none", 6)], ..unreadable };
    let named = |push: proto::Push| proto::Push { app: String::new(), ..push };
    let pushes = [push(&good(0)), bad, push(&good(2))].map(named).to_vec();
    (pushes, vec![multicast, unreadable])
}

fn assert_found(mut results: Vec<proto::PushResult>) {
    results.sort_by_key(|result| result.index);
    let outcomes: Vec<_> = results.iter().map(proto::PushResult::outcome).collect();
    let (sent, refused) = (Outcome::Accepted, Outcome::InvalidPush);
    assert_eq!(outcomes, [sent, refused, sent, sent, refused, sent, refused], "{results:?}");
    for (result, what, labels) in
        [(&results[1], "push", 0), (&results[4], "push", 1), (&results[6], "multicast", 0)]
    {
        assert_eq!((result.reason(), result.field.as_str()), (Reason::FieldInvalid, ""), "{result:?}");
        assert!(result.detail.starts_with(&format!("the {what} cannot be decoded: ")), "{result:?}");
        assert_eq!((result.labels.len(), result.retryable), (labels, false), "{result:?}");
        assert!(!result.id.is_empty());
    }
    assert_eq!((results[1].id.as_str(), results[6].id.as_str()), ("bad", "none"));
}

#[tokio::test]
async fn an_item_that_cannot_be_decoded_is_a_result_in_a_stream_and_in_a_call() {
    let world = World::start().await;
    let mut caller = RawCaller::connect(world.gateway.grpc_address()).await;
    let (pushes, multicasts) = request();

    let mut call = caller.call("SendBatch").await;
    let options = proto::BatchOptions { app: APP.to_owned(), ..proto::BatchOptions::default() };
    let (pushes_of_batch, multicasts_of_batch) = (pushes.clone(), multicasts.clone());
    call.write_message(&damaged(&proto::SendBatchRequest {
        options: Some(options),
        pushes: pushes_of_batch,
        multicasts: multicasts_of_batch,
    }));
    call.half_close();
    let (answers, status) = call.answer::<SendBatchResponse>().await;
    assert_eq!(status.code(), tonic::Code::Ok, "{status:?}");
    assert_found(answers.into_iter().flat_map(|answer| answer.results).collect());

    let mut call = caller.call("SendPushes").await;
    let app = APP.to_owned();
    call.write_message(&damaged(&proto::SendPushesRequest { app, pushes, multicasts, ..Default::default() }));
    call.half_close();
    let (mut answers, status) = call.answer::<proto::SendPushesResponse>().await;
    assert_eq!(status.code(), tonic::Code::Ok, "{status:?}");
    assert_found(std::mem::take(&mut answers[0].results));
    assert_eq!(world.simulator.journal().arrived(), 8);
}

#[tokio::test]
async fn a_message_whose_items_cannot_be_told_apart_is_refused() {
    let world = World::start().await;
    let mut caller = RawCaller::connect(world.gateway.grpc_address()).await;
    // A push of three bytes of which one is there, a push that is a number, and an addressee that is one.
    for bytes in [&[0x12, 3, 0][..], &[0x10, 3], &[0x1a, 2, 0x20, 1]] {
        let mut call = caller.call("SendBatch").await;
        call.write_message(bytes);
        let (answers, status) = call.answer::<SendBatchResponse>().await;
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status:?}");
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "FIELD_INVALID");
        assert_eq!(answers.last().unwrap().progress.as_ref().unwrap().items_read, 0);
    }
    assert_eq!(world.send(push(&good(1))).await.outcome(), Outcome::Accepted);
}
