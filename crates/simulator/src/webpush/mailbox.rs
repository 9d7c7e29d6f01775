//! The messages of one subscription: those that its browser got, and those that wait for it.

use std::collections::VecDeque;

use bytes::Bytes;

use super::request::{MessageHeaders, Urgency};

/// How many delivered messages are remembered.
const MAX_DELIVERED: usize = 10_000;

/// A message as the browser decrypts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebPushMessage {
    /// What was sent. It is empty where there was no body.
    pub plaintext: Bytes,
    /// The topic, under which a newer message replaces one that waits.
    pub topic: Option<String>,
    /// How soon the message is wanted.
    pub urgency: Urgency,
    /// For how many seconds it was to be kept, after the vendor shortened that.
    pub ttl: u64,
}

struct HeldMessage {
    message: WebPushMessage,
    expires_ms: u64,
}

/// The messages of a browser that is online until a test takes it offline.
#[derive(Default)]
pub(super) struct Mailbox {
    away: bool,
    held: Vec<HeldMessage>,
    delivered: VecDeque<WebPushMessage>,
}

impl Mailbox {
    pub(super) fn put(&mut self, headers_read: MessageHeaders, plaintext: Bytes, now_ms: u64) {
        let MessageHeaders { ttl, urgency, topic } = headers_read;
        let message = WebPushMessage { plaintext, topic, urgency, ttl };
        if !self.away {
            return self.deliver(message);
        }
        if message.topic.is_some() {
            self.held.retain(|held| held.message.topic != message.topic);
        }
        // A message that may not be kept is lost. Source: RFC 8030, 5.2.
        if ttl > 0 {
            self.held
                .push(HeldMessage { message, expires_ms: now_ms.saturating_add(ttl.saturating_mul(1000)) });
        }
    }

    pub(super) fn go_away(&mut self) {
        self.away = true;
    }

    pub(super) fn come_back(&mut self, now_ms: u64) {
        self.away = false;
        for HeldMessage { message, expires_ms } in std::mem::take(&mut self.held) {
            if now_ms < expires_ms {
                self.deliver(message);
            }
        }
    }

    pub(super) fn is_away(&self) -> bool {
        self.away
    }

    pub(super) fn held(&self, now_ms: u64) -> Vec<WebPushMessage> {
        let waiting = self.held.iter().filter(|held| now_ms < held.expires_ms);
        waiting.map(|held| held.message.clone()).collect()
    }

    pub(super) fn delivered(&self) -> Vec<WebPushMessage> {
        self.delivered.iter().cloned().collect()
    }

    fn deliver(&mut self, message: WebPushMessage) {
        if self.delivered.len() == MAX_DELIVERED {
            self.delivered.pop_front();
        }
        self.delivered.push_back(message);
    }
}
