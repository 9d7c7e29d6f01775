//! Finds where TLS records end: until a record is complete, nobody can read what is in it.

/// The bytes of a record's header, of which the last two hold the length of what follows. Source: RFC 8446, 5.1.
const HEAD_LEN: usize = 5;

/// Counts the bytes that came in complete records.
#[derive(Default)]
pub(super) struct TlsRecords {
    whole: u64,
    /// How many bytes of the current record have come.
    came: usize,
    length: [u8; 2],
}

impl TlsRecords {
    /// Takes the bytes that came next, and returns how many have come in complete records until now.
    pub(super) fn take(&mut self, bytes: &[u8]) -> u64 {
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            if self.came < HEAD_LEN {
                self.length = [self.length[1], *first];
                self.came += 1;
                rest = after;
            } else {
                let taken = rest.len().min(self.len() - self.came);
                self.came += taken;
                rest = rest.get(taken..).unwrap_or_default();
            }
            if self.came >= HEAD_LEN && self.came == self.len() {
                self.whole += self.came as u64;
                self.came = 0;
            }
        }
        self.whole
    }

    /// The length of the current record, including its header.
    fn len(&self) -> usize {
        HEAD_LEN + usize::from(u16::from_be_bytes(self.length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_records_count_however_they_are_cut() {
        let tls_records =
            [&[23, 3, 3, 0, 2, 1, 2][..], &[23, 3, 3, 1, 0], &[7; 256], &[23, 3, 3, 0, 0]].concat();
        let ends = [7, 7 + 5 + 256, 7 + 5 + 256 + 5];
        for piece in 1..=tls_records.len() {
            let mut counted = TlsRecords::default();
            let mut came = 0;
            for bytes in tls_records.chunks(piece) {
                came += bytes.len();
                let whole = ends.iter().copied().filter(|end| *end <= came).max().unwrap_or(0);
                assert_eq!(counted.take(bytes), whole as u64, "{came} bytes in pieces of {piece}");
            }
        }
    }
}
