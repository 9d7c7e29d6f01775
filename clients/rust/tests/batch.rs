//! Each push of a batch ends once, however its streams end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fanfare_client::v1::{
    BatchProgress, Delivery, Options, Push, PushResult, SendBatchRequest, SendBatchResponse, SendPushRequest,
    SendPushResponse, SendPushesRequest, SendPushesResponse,
};
use fanfare_client::{Client, Ended};
use server::push_service_server::{PushService, PushServiceServer};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt};

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
#[rustfmt::skip]
#[path = "generated/fanfare.push.v1.rs"]
mod server;

/// How many pushes the batches of these tests have. They fit into one message.
const PUSHES: usize = 5;
/// How long a test waits for what has to happen.
const PATIENCE: Duration = Duration::from_secs(20);
/// Three verdicts with so much detail are more than the windows of HTTP/2 hold for one who does not read.
const LARGE: usize = 3 << 20;

/// What a gateway does with a stream: it reads so many pushes (all, where there are fewer), gives the first of them their
/// verdicts, says how far it is, and ends it.
#[derive(Clone)]
struct Script {
    /// Without it the gateway does not take the call.
    takes: bool,
    read: usize,
    answer: usize,
    delivery: Delivery,
    progress: i64,
    draining: bool,
    end: Option<Status>,
    /// Verdicts are large, each in a message of its own, and it is told when all are sent.
    told: Option<Arc<Notify>>,
}

impl Default for Script {
    fn default() -> Self {
        let delivery = Delivery::Accepted;
        let (takes, draining, end, told) = (true, false, None, None);
        Self { takes, read: PUSHES, answer: PUSHES, delivery, progress: 5, draining, end, told }
    }
}

struct Gateway {
    script: Vec<Script>,
    streams: Arc<AtomicUsize>,
}

type Answers = Result<SendBatchResponse, Status>;

#[tonic::async_trait]
impl PushService for Gateway {
    type SendBatchStream = ReceiverStream<Answers>;

    async fn send_push(&self, _: Request<SendPushRequest>) -> Result<Response<SendPushResponse>, Status> {
        Err(Status::unimplemented("no test asks for it"))
    }

    async fn send_pushes(
        &self,
        _: Request<SendPushesRequest>,
    ) -> Result<Response<SendPushesResponse>, Status> {
        Err(Status::unimplemented("no test asks for it"))
    }

    async fn send_batch(
        &self,
        request: Request<Streaming<SendBatchRequest>>,
    ) -> Result<Response<Self::SendBatchStream>, Status> {
        let number = self.streams.fetch_add(1, Ordering::SeqCst);
        // The last line of a script holds for all streams that follow.
        let script = self.script[number.min(self.script.len() - 1)].clone();
        if !script.takes {
            return Err(script.end.unwrap());
        }
        let (answers, receiver) = mpsc::channel(1);
        tokio::spawn(play(script, request.into_inner(), answers));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

async fn play(script: Script, mut requests: Streaming<SendBatchRequest>, answers: mpsc::Sender<Answers>) {
    let mut read = Vec::new();
    while read.len() < script.read {
        let Ok(Some(message)) = requests.message().await else { break };
        read.extend(message.pushes);
    }
    let results = read.iter().take(script.answer).zip(0..).map(|(push, index)| {
        let (id, delivery) = (push.id.clone(), script.delivery.into());
        let detail = "x".repeat(if script.told.is_some() { LARGE } else { 0 });
        PushResult { index, id, delivery, detail, ..Default::default() }
    });
    let of = |results| SendBatchResponse { results, progress: None };
    let mut results: Vec<PushResult> = results.collect();
    if let Some(told) = script.told {
        for result in results.drain(..) {
            answers.send(Ok(of(vec![result]))).await.unwrap();
        }
        told.notify_one();
    }
    let results = of(results);
    let progress =
        BatchProgress { items_read: script.progress, draining: script.draining, ..Default::default() };
    let progress = SendBatchResponse { results: Vec::new(), progress: Some(progress) };
    for answer in [Ok(results), Ok(progress)].into_iter().chain(script.end.map(Err)) {
        answers.send(answer).await.unwrap();
    }
}

/// A status that the gateway itself decided on.
fn own(code: Code, reason: &str) -> Option<Status> {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, "push.fanfare.dev", std::collections::HashMap::new());
    Some(Status::with_error_details(code, reason, details))
}

fn lost() -> Script {
    Script {
        answer: 1,
        progress: 2,
        end: Some(Status::unavailable("the connection is lost")),
        ..Default::default()
    }
}

/// What became of a batch.
#[derive(Debug, PartialEq)]
struct Seen {
    /// The first letters of how the pushes ended, in their order.
    ended: String,
    failed: Option<Code>,
    streams: usize,
    /// How many verdicts say that the push may have been delivered.
    maybe: usize,
}

/// A client of a gateway with this script, and how many streams that has had.
async fn connect(script: Vec<Script>) -> (Client, Arc<AtomicUsize>) {
    let streams = Arc::new(AtomicUsize::new(0));
    let service = PushServiceServer::new(Gateway { script, streams: Arc::clone(&streams) });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = TcpListenerStream::new(listener);
    tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
    (Client::builder(address.to_string()).plaintext().build().unwrap(), streams)
}

fn pushes(repeatable: bool) -> impl Iterator<Item = Push> + Send {
    let options = Options { repeatable, ..Default::default() };
    (0..PUSHES).map(move |number| Push {
        id: format!("{number}"),
        options: Some(options.clone()),
        ..Default::default()
    })
}

async fn send(repeatable: bool, script: Vec<Script>) -> Seen {
    let (client, streams) = connect(script).await;
    let mut batch = client.send_batch(tokio_stream::iter(pushes(repeatable)));
    let (mut ends, mut failed, mut maybe) = (BTreeMap::new(), None, 0);
    while let Some(ended) = batch.next().await {
        let ended = match ended {
            Ok(ended) => ended,
            Err(status) => {
                failed = Some(status.code());
                continue;
            }
        };
        maybe += usize::from(ended.verdict().is_some_and(|verdict| verdict.delivery() == Delivery::Maybe));
        let kind = match &ended {
            Ended::Answered(_) => 'A',
            Ended::NotRead(_) => 'N',
            Ended::Unknown(_) => 'U',
        };
        let before = ends.insert(ended.push().id.clone(), kind);
        assert_eq!(before, None, "push {} ends twice", ended.push().id);
    }
    Seen { ended: ends.into_values().collect(), failed, streams: streams.load(Ordering::SeqCst), maybe }
}

fn seen(ended: &str, failed: Option<Code>, streams: usize, maybe: usize) -> Seen {
    Seen { ended: ended.to_owned(), failed, streams, maybe }
}

#[tokio::test]
async fn all_is_well() {
    assert_eq!(send(false, vec![Script::default()]).await, seen("AAAAA", None, 1, 0));
}

#[tokio::test]
async fn a_gateway_drains_and_has_not_read_all() {
    let drains = Script { answer: 2, progress: 2, draining: true, ..Default::default() };
    assert_eq!(send(false, vec![drains, Script::default()]).await, seen("AAAAA", None, 2, 0));
}

#[tokio::test]
async fn a_gateway_does_not_wait_for_the_reader() {
    let ends = Script {
        answer: 1,
        progress: 3,
        end: own(Code::Aborted, "CLIENT_NOT_READING"),
        ..Default::default()
    };
    assert_eq!(send(false, vec![ends, Script::default()]).await, seen("AUUAA", None, 2, 0));
}

#[tokio::test]
async fn a_connection_is_lost_whatever_was_said_of_progress() {
    assert_eq!(send(false, vec![lost(), Script::default()]).await, seen("AUUUU", None, 1, 0));
}

#[tokio::test]
async fn pushes_that_may_be_repeated_are_sent_again_and_may_have_been_delivered() {
    let refuses = Script { delivery: Delivery::No, ..Default::default() };
    assert_eq!(send(true, vec![lost(), refuses]).await, seen("AAAAA", None, 2, 4));
}

#[tokio::test]
async fn a_gateway_is_full_at_first() {
    let full = Script { takes: false, end: own(Code::Aborted, "OVERLOADED"), ..Default::default() };
    assert_eq!(send(false, vec![full, Script::default()]).await, seen("AAAAA", None, 2, 0));
}

#[tokio::test]
async fn a_gateway_does_not_know_the_caller() {
    let refuses =
        Script { takes: false, end: own(Code::Unauthenticated, "CALLER_UNKNOWN"), ..Default::default() };
    let seen = send(false, vec![refuses]).await;
    assert_eq!((seen.failed, seen.streams), (Some(Code::Unauthenticated), 1));
    // What was not taken has no end.
    assert!(!seen.ended.contains(['A', 'U']), "{seen:?}");
}

#[tokio::test]
async fn a_gateway_reads_nothing_time_and_again() {
    let reads_nothing = Script { answer: 0, progress: 0, draining: true, ..Default::default() };
    assert_eq!(send(false, vec![reads_nothing]).await, seen("NNNNN", None, 5, 0));
}

#[tokio::test]
async fn a_message_that_is_too_large_was_not_read() {
    let refuses = Script {
        answer: 1,
        progress: 2,
        end: own(Code::OutOfRange, "FIELD_TOO_LARGE"),
        ..Default::default()
    };
    assert_eq!(send(false, vec![refuses]).await, seen("AUNNN", Some(Code::OutOfRange), 1, 0));
}

#[tokio::test]
async fn a_gateway_never_waits_for_a_reader() {
    let told = Arc::new(Notify::new());
    let script = Script { told: Some(Arc::clone(&told)), ..Default::default() };
    let (client, _) = connect(vec![script]).await;
    let mut batch = client.send_batch(tokio_stream::iter(pushes(false)));
    let mut answered = usize::from(batch.next().await.unwrap().unwrap().verdict().is_some());
    timeout(PATIENCE, told.notified()).await.unwrap();
    while let Some(ended) = batch.next().await {
        answered += usize::from(ended.unwrap().verdict().is_some());
    }
    assert_eq!(answered, PUSHES);
}

#[tokio::test]
#[should_panic(expected = "no more")]
async fn a_stream_of_pushes_that_panics_is_no_end() {
    let (client, _) = connect(vec![Script { read: PUSHES + 1, ..Default::default() }]).await;
    let pushes = pushes(false).map(|push| if push.id == "2" { panic!("no more") } else { push });
    let mut batch = client.send_batch(tokio_stream::iter(pushes));
    while batch.next().await.is_some() {}
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let builder = || Client::builder("127.0.0.1:1").plaintext();
    assert!(builder().ca_file("ca.pem").build().is_err());
    assert!(builder().token_file("token").build().is_err());
    assert!(builder().window(0).build().is_err());
    assert!(builder().window(usize::MAX).build().is_err());
}
