//! `POST /v1/batch`: what comes. Each line is a push, but for the first, which may have the options of the stream.

use bytes::Bytes;
use http_body::Body;
use prost::Message;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tracing::Span;

use super::item::{self, Item};
use super::lines::{Line, Lines};
use super::mistake::{Mistake, text};
use super::problem::Problem;
use super::schema::{self, Schema};
use crate::caller::Caller;
use crate::desk::{Desk, Draft};
use crate::held_bytes::BytesShare;
use crate::ingress::contract::batch::{Read, Source};
use crate::proto::{BatchOptions, SendBatchRequest};
use crate::telemetry::traces;

/// The lines that a caller writes, as the items of a batch.
pub(super) struct Pushes<B> {
    schema: &'static Schema,
    lines: Lines<B>,
    share: BytesShare,
    default_app: String,
    first: bool,
    line: Option<Line>,
    /// The span of the call, which the spans of traced items are linked to.
    call: Span,
}

impl<B> Pushes<B> {
    pub(super) fn new(schema: &'static Schema, lines: Lines<B>, share: BytesShare, call: Span) -> Self {
        Self { schema, lines, share, default_app: String::new(), first: true, line: None, call }
    }
}

impl<B: Body<Data = Bytes> + Send + Unpin> Source for Pushes<B> {
    type Fault = Problem;
    type Items = Option<Line>;

    async fn message(&mut self) -> Result<Option<Read<Option<Line>>>, Problem> {
        let Some(line) = self.lines.next().await? else { return Ok(None) };
        if std::mem::take(&mut self.first)
            && let Ok(json) = text(&line.bytes)
            && has_options_alone(json)
        {
            let options = options(self.schema, json).map_err(|mistake| mistake.at((line.number, 1)))?;
            return Ok(Some(Read { options, count: 0, items: None }));
        }
        Ok(Some(Read { options: None, count: 1, items: Some(line) }))
    }

    fn take_in(&mut self, line: Option<Line>) {
        self.line = line;
    }

    fn is_empty(&self) -> bool {
        self.line.is_none()
    }

    fn next(&mut self, _: &Desk, _: &Caller) -> Option<Draft> {
        let Line { number, bytes } = self.line.take()?;
        let Self { schema, default_app, share, .. } = self;
        // The lines have no more bytes than a push may have.
        let item = Item { schema, default_app, share, max_push_bytes: usize::MAX };
        let draft = match text(&bytes) {
            Ok(json) => item.draft(json, || (number, 1)),
            Err(mistake) => item::refused("", mistake.at((number, 1))),
        };
        Some(Draft { parent: traces::batch_item(&self.call), ..draft })
    }

    fn set_default_app(&mut self, app: String) {
        self.default_app = app;
    }
}

/// Whether a line has options and nothing else. A push with nothing else goes nowhere, so such a line is never one.
fn has_options_alone(json: &str) -> bool {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Alone {
        #[serde(rename = "options")]
        _options: IgnoredAny,
    }
    serde_json::from_str::<Alone>(json).is_ok()
}

fn options(schema: &Schema, json: &str) -> Result<Option<BatchOptions>, Mistake> {
    let bytes = schema::read(&schema.batch, json)?;
    let request = SendBatchRequest::decode(bytes.as_slice());
    request.map(|it| it.options).map_err(|error| Mistake::of_whole(error.to_string()))
}
