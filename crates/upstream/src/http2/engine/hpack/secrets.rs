//! The strings of the last secrets, as they are sent.
//!
//! No table may keep a secret, but a provider token is sent for about an hour. It is put into Huffman code once and
//! then copied.

use super::text;

/// How many secrets are kept. The apps that share a connection have a token each.
const KEPT: usize = 8;

/// How long a secret is at most that is kept. An access token of Google has at most 2,048 bytes. Source:
/// <https://developers.google.com/identity/protocols/oauth2#size>.
const LONGEST: usize = 2048 + "Bearer ".len();

struct Secret {
    value: Vec<u8>,
    /// The string of the header block.
    coded: Vec<u8>,
}

/// The last secrets.
pub(super) struct Secrets {
    kept: Vec<Secret>,
    /// Which of them gives way to the next one.
    oldest: usize,
}

impl Secrets {
    pub(super) fn new() -> Self {
        Self { kept: Vec::new(), oldest: 0 }
    }

    /// Appends a secret as a string.
    pub(super) fn encode(&mut self, value: &[u8], out: &mut Vec<u8>) {
        if let Some(secret) = self.kept.iter().find(|secret| secret.value == value) {
            return out.extend_from_slice(&secret.coded);
        }
        let start = out.len();
        text::encode(value, out);
        if value.len() <= LONGEST {
            self.keep(value, out.get(start..).unwrap_or_default());
        }
    }

    fn keep(&mut self, value: &[u8], coded: &[u8]) {
        match self.kept.get_mut(self.oldest) {
            Some(oldest) => {
                // The memory of the oldest one is used again.
                value.clone_into(&mut oldest.value);
                coded.clone_into(&mut oldest.coded);
            }
            None => self.kept.push(Secret { value: value.to_vec(), coded: coded.to_vec() }),
        }
        self.oldest = (self.oldest + 1) % KEPT;
    }
}
