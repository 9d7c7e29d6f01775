//! SendPush calls on one connection, with so many in flight.

use std::ops::Range;
use std::time::Instant;

use super::session::{Event, Server, Session};
use crate::frames;
use crate::hpack::GrpcStatus;
use crate::messages::{self, PREFIX, Template};
use crate::tally::Shared;

/// How many streams may be open beside one that is never answered. It is a power of two.
const PLACES: usize = 1 << 17;

#[derive(Clone, Copy)]
struct Open {
    stream: u32,
    begun: Instant,
    accepted: bool,
}

pub(super) struct Unary {
    session: Session,
    tally: Shared,
    template: Template,
    share: usize,
    waves: bool,
    number: u32,
    open: usize,
    /// The open calls, by the place of their stream.
    places: Vec<Option<Open>>,
}

impl Unary {
    pub(super) async fn run(
        server: Server,
        body: usize,
        share: usize,
        waves: bool,
        tally: Shared,
    ) -> anyhow::Result<()> {
        let session = Session::connect(&server, "SendPush").await?;
        let template = Template::single(body);
        let places = vec![None; PLACES];
        let mut unary = Self { session, tally, template, share, waves, number: 0, open: 0, places };
        let ended = unary.pump().await;
        let open = unary.open as u64;
        unary.tally.lock().failed(open, || "their connection ended".to_owned());
        ended
    }

    async fn pump(&mut self) -> anyhow::Result<()> {
        let mut now = Instant::now();
        loop {
            if self.tally.stopping() {
                if self.open == 0 {
                    return Ok(());
                }
            } else if !self.waves || self.open == 0 {
                self.ask(now);
            }
            self.session.turn().await?;
            now = Instant::now();
            let tally = self.tally.clone();
            let mut tally = tally.lock();
            while let Some(event) = self.session.event()? {
                match event {
                    Event::Data { stream, payload } => self.data(stream, &payload),
                    Event::Headers { stream, status, last: true } => {
                        if let Some(open) = self.close(stream) {
                            if open.accepted && status == GrpcStatus::Ok {
                                tally.accepted(now - open.begun);
                            } else {
                                let accepted = open.accepted;
                                tally.failed(1, || format!("grpc-status {status:?}, accepted: {accepted}"));
                            }
                        }
                    }
                    Event::Reset { stream } => {
                        if self.close(stream).is_some() {
                            tally.failed(1, || "RST_STREAM".to_owned());
                        }
                    }
                    Event::Headers { .. } | Event::Window { .. } => {}
                }
            }
        }
    }

    fn ask(&mut self, now: Instant) {
        let length = self.template.len() as i64;
        let before = self.open;
        while self.open < self.share && self.session.window >= length {
            let stream = self.session.call();
            let message = self.template.numbered(self.number);
            self.session.data(stream, frames::END_STREAM, message);
            self.number += 1;
            self.open += 1;
            self.places[Self::place(stream)] = Some(Open { stream, begun: now, accepted: false });
        }
        self.tally.lock().sent((self.open - before) as u64);
    }

    fn place(stream: u32) -> usize {
        stream as usize / 2 % PLACES
    }

    /// The answer is one message, in one frame.
    fn data(&mut self, stream: u32, payload: &Range<usize>) {
        let message = self.session.payload(payload).get(PREFIX..).unwrap_or_default();
        let accepted = messages::single(message).is_some_and(|verdict| verdict.accepted);
        if let Some(open) = &mut self.places[Self::place(stream)]
            && open.stream == stream
        {
            open.accepted = accepted;
        }
    }

    fn close(&mut self, stream: u32) -> Option<Open> {
        let open = self.places[Self::place(stream)].take_if(|open| open.stream == stream)?;
        self.open -= 1;
        Some(open)
    }
}
