//! A caller that writes whatever bytes a test wants: claims without messages, parts of messages, items that are none.

use std::net::SocketAddr;

use bytes::{Buf, Bytes, BytesMut};
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request};
use prost::Message;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tonic::Status;

/// A connection of such a caller.
pub(super) struct RawCaller {
    send: SendRequest<Bytes>,
    task: JoinHandle<()>,
}

impl Drop for RawCaller {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One call of it.
pub(super) struct RawCall {
    to: SendStream<Bytes>,
    response: ResponseFuture,
    /// The rest of an answer of which nothing more is read.
    unread: Option<RecvStream>,
}

impl RawCaller {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        let (send, connection) = h2::client::handshake(socket).await.unwrap();
        let task = tokio::spawn(async move { drop(connection.await) });
        Self { send, task }
    }

    /// Begins a call of this method.
    pub(super) async fn call(&mut self, method: &str) -> RawCall {
        self.call_path(&format!("/fanfare.push.v1.PushService/{method}")).await
    }

    /// Begins a call of this method whose messages are compressed.
    pub(super) async fn call_encoded(&mut self, method: &str, encoding: &str) -> RawCall {
        self.begin(&format!("/fanfare.push.v1.PushService/{method}"), encoding).await
    }

    /// Begins a call of the method of any service.
    pub(super) async fn call_path(&mut self, path: &str) -> RawCall {
        self.begin(path, "identity").await
    }

    async fn begin(&mut self, path: &str, encoding: &str) -> RawCall {
        let request = Request::post(format!("http://localhost{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("grpc-encoding", encoding)
            .body(())
            .unwrap();
        let mut send = self.send.clone().ready().await.unwrap();
        let (response, to) = send.send_request(request, false).unwrap();
        RawCall { to, response, unread: None }
    }

    /// Begins a call, claims a message of so many bytes, and sends some of them.
    pub(super) async fn claim(&mut self, method: &str, length: usize, sent: usize) -> RawCall {
        let mut call = self.call(method).await;
        call.write(&header(length));
        call.write(&vec![0; sent]);
        call
    }
}

impl RawCall {
    /// Writes bytes, as flow control allows.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.to.send_data(Bytes::copy_from_slice(bytes), false).unwrap();
    }

    /// Writes a message.
    pub(super) fn write_message(&mut self, message: &[u8]) {
        self.write(&[&header(message.len()), message].concat());
    }

    /// Writes a message that is compressed.
    pub(super) fn write_compressed(&mut self, message: &[u8]) {
        let [_, length @ ..] = header(message.len());
        self.write(&[&[1][..], &length, message].concat());
    }

    pub(super) fn half_close(&mut self) {
        self.to.send_data(Bytes::new(), true).unwrap();
    }

    /// The first message of the answer, after which nothing more is read.
    pub(super) async fn first<M: Message + Default>(&mut self) -> M {
        let mut body = (&mut self.response).await.unwrap().into_body();
        let mut bytes = BytesMut::new();
        let message = loop {
            bytes.extend_from_slice(&body.data().await.unwrap().unwrap());
            if let Some([_, length @ ..]) = bytes.first_chunk::<5>()
                && let length = u32::from_be_bytes(*length) as usize
                && bytes.len() >= 5 + length
            {
                break M::decode(&bytes[5..5 + length]).unwrap();
            }
        };
        self.unread = Some(body);
        message
    }

    /// The status of a call that was refused at once; none where its answer begins, of which nothing more is read.
    pub(super) async fn status_now(&mut self) -> Option<Status> {
        let (head, body) = (&mut self.response).await.unwrap().into_parts();
        self.unread = Some(body);
        Status::from_header_map(&head.headers)
    }

    /// The messages of the answer, and the status after them.
    pub(super) async fn answer<M: Message + Default>(self) -> (Vec<M>, Status) {
        let response = self.response.await.unwrap();
        let status = |fields: &HeaderMap| Status::from_header_map(fields);
        if let Some(status) = status(response.headers()) {
            return (Vec::new(), status);
        }
        let (mut body, mut bytes) = (response.into_body(), BytesMut::new());
        while let Some(chunk) = body.data().await {
            let chunk = chunk.unwrap();
            body.flow_control().release_capacity(chunk.len()).unwrap();
            bytes.extend_from_slice(&chunk);
        }
        let trailers = body.trailers().await.unwrap().expect("an answer ends with trailers");
        let mut messages = Vec::new();
        while bytes.has_remaining() {
            let _ = bytes.get_u8();
            let length = bytes.get_u32() as usize;
            messages.push(M::decode(bytes.split_to(length)).unwrap());
        }
        (messages, status(&trailers).unwrap())
    }
}

fn header(length: usize) -> [u8; 5] {
    let [a, b, c, d] = u32::try_from(length).unwrap().to_be_bytes();
    [0, a, b, c, d]
}
