//! The server of the h2 crate gets every request as it began, and every answer arrives as it was sent, whatever the
//! server's settings.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::{Builder, SendResponse};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::request::{AUTHORITY, DrawnRequest, List, path};
use super::session::LIMITS;
use crate::http2::engine::{End, Ended, Engine};

#[derive(Debug, Clone)]
struct Settings {
    streams: u32,
    window: u32,
    frame: u32,
    table: u32,
    /// How many bytes the pipe holds.
    pipe: usize,
}

/// One request, and the answer to it.
#[derive(Debug, Clone)]
struct Exchange {
    shape: u8,
    body: usize,
    status: u16,
    fields: Vec<String>,
    answer: usize,
    pieces: usize,
    has_trailers: bool,
    /// The server answers without reading the body.
    is_early: bool,
}

fn settings() -> impl Strategy<Value = Settings> {
    let window = prop_oneof![1_u32..20, 1_u32..=65_535];
    let frame = prop_oneof![Just(16_384_u32), 16_384_u32..1 << 24];
    let table = prop_oneof![Just(0_u32), 0_u32..300, 0_u32..10_000];
    (1_u32..20, window, frame, table, prop_oneof![1_usize..100, 1000_usize..100_000])
        .prop_map(|(streams, window, frame, table, pipe)| Settings { streams, window, frame, table, pipe })
}

fn exchange(window: u32) -> impl Strategy<Value = Exchange> {
    // A body that is sent byte by byte takes long.
    let most = usize::try_from(window).unwrap().saturating_mul(40).min(40_000);
    let fields = prop::collection::vec("[ -~]{0,60}", 0..5);
    let status = prop::sample::select(vec![200_u16, 201, 400, 410, 429, 503]);
    (
        any::<u8>(),
        0..=most,
        status,
        fields,
        0_usize..30_000,
        1_usize..5,
        any::<bool>(),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(shape, body, status, fields, answer, pieces, has_trailers, is_early)| Exchange {
            shape,
            body,
            status,
            fields,
            answer,
            pieces,
            has_trailers,
            is_early,
        })
}

/// What the server got, by the path.
type Seen = Arc<Mutex<BTreeMap<String, (List, usize)>>>;

async fn serve(io: DuplexStream, settings: Settings, exchanges: Vec<Exchange>, seen: Seen) {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(settings.streams)
        .initial_window_size(settings.window)
        .max_frame_size(settings.frame)
        .header_table_size(settings.table);
    let mut connection = builder.handshake::<_, Bytes>(io).await.unwrap();
    while let Some(Ok((request, respond))) = connection.accept().await {
        let (parts, body) = request.into_parts();
        let number = (0..).find(|number| path(*number) == parts.uri.path()).unwrap();
        let exchange = exchanges[usize::try_from(number).unwrap()].clone();
        let uri = parts.uri.clone().into_parts();
        let pseudo = [
            (":scheme", uri.scheme.unwrap().to_string()),
            (":authority", uri.authority.unwrap().to_string()),
            (":method", parts.method.to_string()),
            (":path", parts.uri.path().to_owned()),
        ];
        let pseudo = pseudo.map(|(name, value)| (name.as_bytes().to_vec(), value.into_bytes()));
        let fields = parts.headers.iter();
        let fields =
            fields.map(|(name, value)| (name.as_str().as_bytes().to_vec(), value.as_bytes().to_vec()));
        let list = pseudo.into_iter().chain(fields).collect();
        let before = seen.lock().unwrap().insert(parts.uri.path().to_owned(), (list, 0));
        assert!(before.is_none(), "a request came twice");
        tokio::spawn(answer(number, exchange, body, respond, Arc::clone(&seen)));
    }
}

async fn answer(
    number: u32,
    exchange: Exchange,
    mut body: RecvStream,
    mut respond: SendResponse<Bytes>,
    seen: Seen,
) {
    let request = DrawnRequest::new(number, exchange.shape, exchange.body);
    let mut whole = Vec::new();
    while !exchange.is_early
        && let Some(piece) = body.data().await
    {
        let piece = piece.unwrap();
        body.flow_control().release_capacity(piece.len()).unwrap();
        whole.extend_from_slice(&piece);
    }
    assert!(request.body.starts_with(&whole), "the body arrives as it began");
    seen.lock().unwrap().get_mut(&path(number)).unwrap().1 = whole.len();
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(exchange.status).unwrap();
    for (index, value) in exchange.fields.iter().enumerate() {
        let name = http::HeaderName::try_from(format!("x-{index}")).unwrap();
        response.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
    }
    let bytes = answer_body(number, request.to_head, &exchange);
    let ends = bytes.is_empty() && !exchange.has_trailers;
    let Ok(mut stream) = respond.send_response(response, ends) else { return };
    let mut pieces = bytes.chunks(bytes.len().div_ceil(exchange.pieces).max(1)).peekable();
    while let Some(piece) = pieces.next() {
        let last = pieces.peek().is_none() && !exchange.has_trailers;
        stream.send_data(Bytes::copy_from_slice(piece), last).unwrap();
    }
    if exchange.has_trailers {
        stream
            .send_trailers(HeaderMap::from_iter([("a".parse().unwrap(), HeaderValue::from_static("b"))]))
            .unwrap();
    }
}

/// An answer to HEAD has no body.
fn answer_body(number: u32, to_head: bool, exchange: &Exchange) -> Vec<u8> {
    let length = if to_head { 0 } else { exchange.answer };
    (0..length).map(|at| number.wrapping_mul(17).wrapping_add(at as u32) as u8).collect()
}

/// Sends all requests as soon as they may begin.
async fn send(io: DuplexStream, exchanges: &[Exchange]) -> BTreeMap<u32, End> {
    let mut engine = Engine::new("https", AUTHORITY.to_owned(), LIMITS);
    let (mut reader, mut writer) = tokio::io::split(io);
    let mut requests = (0..).zip(exchanges).peekable();
    let (mut ends, mut buffer) = (Vec::<Ended<u32>>::new(), vec![0; 16_384]);
    while ends.len() < exchanges.len() {
        while let Some((number, exchange)) = requests.next_if(|(_, exchange)| engine.may_begin(exchange.body))
        {
            let request = DrawnRequest::new(number, exchange.shape, exchange.body);
            engine.begin(&request.head, request.body, number);
        }
        tokio::select! {
            count = writer.write(engine.output()), if !engine.output().is_empty() => engine.accepted(count.unwrap()),
            count = reader.read(&mut buffer) => {
                let bytes = &buffer[..count.unwrap()];
                assert!(!bytes.is_empty(), "the server went away");
                engine.receive(bytes, &mut ends).unwrap();
            }
        }
    }
    ends.into_iter().map(|ended| (ended.token, ended.end)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_request_arrives_and_is_answered_as_the_server_answered(
        (settings, exchanges) in settings().prop_flat_map(|settings| {
            let exchanges = prop::collection::vec(exchange(settings.window), 1..20);
            (Just(settings), exchanges)
        }),
    ) {
        let seen = Seen::default();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let ends = runtime.block_on(async {
            let (ours, theirs) = tokio::io::duplex(settings.pipe);
            tokio::spawn(serve(theirs, settings, exchanges.clone(), Arc::clone(&seen)));
            send(ours, &exchanges).await
        });
        let seen = seen.lock().unwrap();
        let some_are_early = exchanges.iter().any(|exchange| exchange.is_early);
        for (number, exchange) in (0..).zip(&exchanges) {
            let request = DrawnRequest::new(number, exchange.shape, exchange.body);
            // A server that does not read a body resets the stream behind its answer. Until the reset left, h2 counts the
            // stream, and refuses others, although both sides have ended it.
            if some_are_early && matches!(ends[&number], End::Refused) {
                prop_assert!(!seen.contains_key(&path(number)));
                continue;
            }
            let (list, body) = &seen[&path(number)];
            prop_assert_eq!(list, &request.list());
            prop_assert!(exchange.is_early || *body == exchange.body);
            let End::Answered(reply) = &ends[&number] else {
                return Err(TestCaseError::fail(format!("{:?}", ends[&number])));
            };
            prop_assert_eq!(reply.status, exchange.status);
            let fields: Vec<_> = reply.fields.iter().map(|it| (it.name.to_vec(), it.value.to_vec())).collect();
            let sent = exchange.fields.iter().enumerate();
            let sent = sent.map(|(index, value)| (format!("x-{index}").into_bytes(), value.clone().into_bytes()));
            prop_assert_eq!(fields, sent.collect::<Vec<_>>());
            prop_assert!(reply.body == answer_body(number, request.to_head, exchange));
        }
    }
}
