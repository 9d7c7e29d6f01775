//! The gRPC messages of the load. They are encoded once with the generated types, and numbered in place for each push. Answers
//! are read only as far as their index and outcome.

use fanfare::proto;
use prost::Message;

pub(crate) const APP: &str = "bench";
pub(crate) const TOPIC: &str = "com.example.bench";

/// The platform of the devices of a Mattermost server.
pub(crate) const PLATFORM: &str = "apple_rn";

/// The length of the prefix of a gRPC message. Source: gRPC over HTTP/2, Length-Prefixed-Message.
pub(crate) const PREFIX: usize = 5;

/// The text before the eight hexadecimal digits that number a push, in its id and in its device token.
const ID: &str = "00000000-0000-4000-8000-0000";
const TOKEN: &str = "900d00000000000000000000000000000000000000000000000000000000";
const DIGITS: usize = 8;

/// A notification whose APNs payload has `body` bytes.
pub(crate) fn content(body: usize) -> proto::Content {
    let frame = r#"{"aps":{"alert":{"title":"Fanfare","body":""}}}"#.len();
    let notification = proto::Notification {
        title: "Fanfare".to_owned(),
        body: "x".repeat(body.saturating_sub(frame)),
        ..proto::Notification::default()
    };
    proto::Content { notification: Some(notification), ..proto::Content::default() }
}

fn target() -> proto::Target {
    let device =
        proto::ApnsDevice { token: format!("{TOKEN}{:0DIGITS$x}", 0), ..proto::ApnsDevice::default() };
    proto::Target { apns: Some(device), ..proto::Target::default() }
}

fn push(body: usize) -> proto::Push {
    proto::Push {
        id: format!("{ID}{:0DIGITS$x}", 0),
        app: APP.to_owned(),
        target: Some(target()),
        content: Some(content(body)),
        ..proto::Push::default()
    }
}

/// A gRPC message with the places where its pushes are numbered.
#[derive(Debug)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    /// For each push, the places of its number in its id and in its device token.
    places: Vec<[usize; 2]>,
}

impl Template {
    pub(crate) fn single(body: usize) -> Self {
        Self::new(&proto::SendPushRequest { push: Some(Box::new(push(body))) })
    }

    pub(crate) fn batch(body: usize, pushes: usize) -> Self {
        let pushes = std::iter::repeat_n(push(body), pushes).collect();
        Self::new(&proto::SendBatchRequest { pushes, ..proto::SendBatchRequest::default() })
    }

    pub(crate) fn multicast(body: usize, addressees: usize) -> Self {
        let addressee = proto::Addressee { id: format!("{ID}{:0DIGITS$x}", 0), target: Some(target()) };
        let multicast = proto::Multicast {
            app: APP.to_owned(),
            content: Some(content(body)),
            addressees: std::iter::repeat_n(addressee, addressees).collect(),
            ..proto::Multicast::default()
        };
        Self::new(&proto::SendBatchRequest {
            multicasts: vec![multicast],
            ..proto::SendBatchRequest::default()
        })
    }

    /// The first message of a stream, which has only options. It is interactive, because bulk leaves a fifth of the streams to
    /// others.
    pub(crate) fn interactive() -> Vec<u8> {
        let options = proto::BatchOptions {
            service_class: proto::ServiceClass::Interactive.into(),
            ..proto::BatchOptions::default()
        };
        Self::new(&proto::SendBatchRequest { options: Some(options), ..proto::SendBatchRequest::default() })
            .bytes
    }

    fn new(message: &impl Message) -> Self {
        let length = u32::try_from(message.encoded_len()).unwrap_or(u32::MAX);
        let mut bytes = vec![0];
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&message.encode_to_vec());
        let places = ends(&bytes, ID).zip(ends(&bytes, TOKEN)).map(|(id, token)| [id, token]).collect();
        Self { bytes, places }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Numbers the pushes from `number` on, and returns the message.
    pub(crate) fn numbered(&mut self, number: u32) -> &[u8] {
        for (number, places) in (number..).zip(&self.places) {
            write_number(&mut self.bytes, places, number);
        }
        &self.bytes
    }
}

/// A call of a Mattermost server, with the places where its push is numbered.
#[derive(Debug)]
pub(crate) struct Call {
    bytes: Vec<u8>,
    places: [usize; 2],
}

impl Call {
    /// A message of `body` bytes, with all that a server says beside it.
    pub(crate) fn new(body: usize) -> Self {
        let message = "x".repeat(body);
        let json = format!(
            "{{\"ack_id\":\"{ID}{:0DIGITS$x}\",\"platform\":\"{PLATFORM}-v2\",\"server_id\":\"7ee6h5xmwbg7zjkfsz8h6p6yzr\",\
             \"device_id\":\"{TOKEN}{:0DIGITS$x}\",\"post_id\":\"p\",\"category\":\"CAN_REPLY\",\"message\":\"{message}\",\
             \"badge\":1,\"team_id\":\"t\",\"channel_id\":\"c\",\"channel_name\":\"Town Square\",\"type\":\"message\",\
             \"sender_id\":\"u\",\"sender_name\":\"ann\",\"version\":\"v2\",\"is_crt_enabled\":false,\"is_id_loaded\":false,\
             \"signature\":\"\"}}",
            0, 0
        );
        let length = json.len();
        let head = "POST /api/v1/send_push HTTP/1.1\r\nHost: push.example\r\nUser-Agent: Go-http-client/1.1\r\n\
                    Accept-Encoding: gzip\r\n";
        let bytes = format!("{head}Content-Length: {length}\r\n\r\n{json}").into_bytes();
        let places = [ID, TOKEN].map(|text| ends(&bytes, text).next().unwrap_or_default());
        Self { bytes, places }
    }

    /// Numbers the push, and returns the call.
    pub(crate) fn numbered(&mut self, number: u32) -> &[u8] {
        write_number(&mut self.bytes, &self.places, number);
        &self.bytes
    }
}

/// The places behind a text.
fn ends<'a>(bytes: &'a [u8], text: &'a str) -> impl Iterator<Item = usize> + 'a {
    let found = bytes.windows(text.len()).enumerate().filter(|(_, window)| *window == text.as_bytes());
    found.map(|(at, _)| at + text.len())
}

/// Writes a number at these places.
fn write_number(bytes: &mut [u8], places: &[usize; 2], number: u32) {
    let mut digits = [0; DIGITS];
    for (at, digit) in digits.iter_mut().enumerate() {
        let nibble = number >> (4 * (DIGITS - 1 - at)) & 0xf;
        *digit = b"0123456789abcdef".get(nibble as usize).copied().unwrap_or(b'0');
    }
    for place in places {
        bytes[*place..place + DIGITS].copy_from_slice(&digits);
    }
}

/// The fields of a PushResult that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) index: u64,
    pub(crate) accepted: bool,
}

/// The result of a SendPushResponse.
pub(crate) fn single(message: &[u8]) -> Option<Verdict> {
    let mut verdict = None;
    results(message, |found| verdict = Some(found))?;
    verdict
}

/// Reads the results of a SendPushResponse or a SendBatchResponse, which are field 1 of both. Returns `None` if the message is
/// malformed.
pub(crate) fn results(mut message: &[u8], mut each: impl FnMut(Verdict)) -> Option<()> {
    while !message.is_empty() {
        if let (1, Value::Bytes(result)) = field(&mut message)? {
            each(result_of(result)?);
        }
    }
    Some(())
}

/// Reads one result. Its fields come in the order of their numbers: index 1, id 2, outcome 3.
fn result_of(mut result: &[u8]) -> Option<Verdict> {
    let accepted = u64::from(proto::Outcome::Accepted as u8);
    let mut index = 0;
    while !result.is_empty() {
        match field(&mut result)? {
            (1, Value::Number(found)) => index = found,
            (3, Value::Number(outcome)) => return Some(Verdict { index, accepted: outcome == accepted }),
            _ => {}
        }
    }
    Some(Verdict { index, accepted: false })
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Source: Protocol Buffers, Encoding.
fn field<'a>(message: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let key = varint(message)?;
    let value = match key & 7 {
        0 => Value::Number(varint(message)?),
        2 => {
            let length = usize::try_from(varint(message)?).ok()?;
            let (bytes, rest) = message.split_at_checked(length)?;
            *message = rest;
            Value::Bytes(bytes)
        }
        _ => return None,
    };
    Some((key >> 3, value))
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
