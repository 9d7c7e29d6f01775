//! One SendBatch stream, whose messages have one push, many pushes, or a multicast, with so many pushes in flight.

use std::time::Instant;

use anyhow::{Context, bail};

use super::session::{Event, Server, Session};
use crate::frames::{self, Received};
use crate::hpack::GrpcStatus;
use crate::messages::{self, PREFIX, Template};
use crate::spec::Shape;
use crate::tally::Shared;

/// How many start times are remembered, by index. They are more than may be in flight, however far one push lags.
const PLACES: usize = 1 << 18;

pub(super) struct Batch {
    session: Session,
    tally: Shared,
    template: Template,
    /// How many pushes are in a message.
    each: usize,
    most: usize,
    stream: u32,
    stream_window: i64,
    received: Received,
    number: u32,
    in_flight: usize,
    begun: Vec<Instant>,
    /// The bytes of messages that wait for the server's windows.
    outgoing: Vec<u8>,
    /// The beginning of a message whose end has not come.
    incoming: Vec<u8>,
}

impl Batch {
    pub(super) async fn run(
        server: Server,
        body: usize,
        shape: Shape,
        most: usize,
        tally: Shared,
    ) -> anyhow::Result<()> {
        let (template, each) = match shape {
            Shape::Unary | Shape::Waves | Shape::Mattermost => bail!("a call is no stream"),
            Shape::Stream(each) => (Template::batch(body, each), each),
            Shape::Multicast(each) => (Template::multicast(body, each), each),
        };
        let mut session = Session::connect(&server, "SendBatch").await?;
        let stream = session.call();
        let mut batch = Self {
            stream_window: session.stream_window,
            session,
            tally,
            template,
            each,
            most,
            stream,
            received: Received::default(),
            number: 0,
            in_flight: 0,
            begun: vec![Instant::now(); PLACES],
            outgoing: Template::interactive(),
            incoming: Vec::new(),
        };
        let ended = batch.pump().await;
        let lost = batch.in_flight as u64;
        batch.tally.lock().failed(lost, || "their stream ended".to_owned());
        ended
    }

    async fn pump(&mut self) -> anyhow::Result<()> {
        let mut half_closed = false;
        let mut now = Instant::now();
        loop {
            let stopping = self.tally.stopping();
            if stopping && self.in_flight == 0 && self.outgoing.is_empty() && !half_closed {
                half_closed = true;
                self.session.data(self.stream, frames::END_STREAM, &[]);
            }
            self.send();
            while !stopping && self.outgoing.is_empty() && self.in_flight + self.each <= self.most {
                self.ask(now);
                self.send();
            }
            self.session.turn().await?;
            now = Instant::now();
            while let Some(event) = self.session.event()? {
                match event {
                    Event::Data { payload, .. } => {
                        self.session.reopen(&mut self.received, self.stream, payload.len());
                        self.incoming.extend_from_slice(self.session.payload(&payload));
                        self.read(now)?;
                    }
                    Event::Window { by } => self.stream_window += by,
                    Event::Headers { status, last: true, .. } if half_closed && status == GrpcStatus::Ok => {
                        return Ok(());
                    }
                    Event::Headers { status, last: true, .. } => bail!("the stream ended: {status:?}"),
                    Event::Headers { .. } => {}
                    Event::Reset { .. } => bail!("the stream was reset"),
                }
            }
        }
    }

    fn ask(&mut self, now: Instant) {
        let before = self.in_flight;
        while self.in_flight + self.each <= self.most && self.outgoing.len() < frames::MAX_PAYLOAD {
            self.outgoing.extend_from_slice(self.template.numbered(self.number));
            for index in 0..self.each {
                self.begun[(self.number as usize + index) % PLACES] = now;
            }
            self.number = self.number.wrapping_add(self.each as u32);
            self.in_flight += self.each;
        }
        self.tally.lock().sent((self.in_flight - before) as u64);
    }

    fn send(&mut self) {
        let window = usize::try_from(self.session.window.min(self.stream_window)).unwrap_or(0);
        let count = window.min(self.outgoing.len());
        if count > 0 {
            self.session.data(self.stream, 0, &self.outgoing[..count]);
            self.stream_window -= count as i64;
            self.outgoing.drain(..count);
        }
    }

    fn read(&mut self, now: Instant) -> anyhow::Result<()> {
        let mut tally = self.tally.lock();
        let mut at = 0;
        while let Some(length) = self.incoming.get(at + 1..at + PREFIX) {
            let end = at + PREFIX + frames::number(length) as usize;
            let Some(message) = self.incoming.get(at + PREFIX..end) else { break };
            let (begun, in_flight) = (&self.begun, &mut self.in_flight);
            let read = messages::results(message, |verdict| {
                *in_flight = in_flight.saturating_sub(1);
                if verdict.accepted {
                    tally.accepted(now - begun[verdict.index as usize % PLACES]);
                } else {
                    tally.failed(1, || format!("item {} was not accepted", verdict.index));
                }
            });
            read.context("a message cannot be decoded")?;
            at = end;
        }
        self.incoming.drain(..at);
        Ok(())
    }
}
