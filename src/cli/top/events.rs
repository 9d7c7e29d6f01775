//! Reads server-sent events: the data of each, as their bytes arrive.
//!
//! Source: HTML Living Standard, section 9.2.6, "Interpreting an event stream". The gateway writes one line of data an event.

use anyhow::ensure;

/// An event has at most so many bytes. That of a gateway with a thousand apps has a tenth of it.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// What has arrived of events.
#[derive(Debug, Default)]
pub(super) struct Events {
    arrived: Vec<u8>,
    /// So many bytes were searched for an end.
    searched: usize,
}

impl Events {
    /// Takes bytes that have arrived.
    ///
    /// # Errors
    /// Fails if an event is longer than any may be.
    pub(super) fn take(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        ensure!(
            self.arrived.len() + bytes.len() <= MAX_BYTES,
            "it tells more than {MAX_BYTES} bytes at once"
        );
        self.arrived.extend_from_slice(bytes);
        Ok(())
    }

    /// The data of the next whole event.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let from = self.searched.saturating_sub(1);
            let Some(at) = self.arrived.get(from..)?.windows(2).position(|pair| pair == b"\n\n") else {
                self.searched = self.arrived.len();
                return None;
            };
            let rest = self.arrived.split_off(from + at + 2);
            let event = std::mem::replace(&mut self.arrived, rest);
            self.searched = 0;
            let data = event.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"data: "));
            if let Some(data) = data {
                return Some(data.to_vec());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_however_their_bytes_are_cut() {
        let told = b": hello\n\nevent: status\ndata: {\"a\":1}\n\nevent: status\ndata: {}\n\nevent: st";
        for size in 1..told.len() {
            let mut events = Events::default();
            let mut read = Vec::new();
            for part in told.chunks(size) {
                events.take(part).unwrap();
                while let Some(data) = events.next() {
                    read.push(String::from_utf8(data).unwrap());
                }
            }
            assert_eq!(read, ["{\"a\":1}", "{}"], "{size}");
        }
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut events = Events::default();
        events.take(&vec![b'x'; MAX_BYTES]).unwrap();
        assert!(events.next().is_none());
        assert!(events.take(b"x").is_err());
    }
}
