//! Finds where the records of TLS end.

/// The TLS records that passed. A side that got only a part of a record got nothing.
/// Source: RFC 8446, 5.1, on the head of five bytes whose last two are the length.
#[derive(Default)]
pub(crate) struct Records {
    /// How many bytes passed.
    pub(crate) seen: u64,
    /// How far the record that is passing has come.
    head: Vec<u8>,
    ends_at: u64,
    ends: Vec<u64>,
}

impl Records {
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.seen += 1;
            if self.head.len() < 5 {
                self.head.push(*byte);
                if let [_, _, _, high, low] = self.head[..] {
                    self.ends_at = self.seen + u64::from(u16::from_be_bytes([high, low]));
                }
            }
            if self.head.len() == 5 && self.seen == self.ends_at {
                self.ends.push(self.seen);
                self.head.clear();
            }
        }
    }

    /// How many of the first `count` bytes are of whole records.
    pub(crate) fn whole(&self, count: u64) -> u64 {
        self.ends[..self.ends.partition_point(|end| *end <= count)].last().copied().unwrap_or(0)
    }
}
