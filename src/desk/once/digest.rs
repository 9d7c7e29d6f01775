//! What is kept of a push in the place of its id, target and content, of which none is kept.

use std::hash::{Hash, Hasher};

use sha2::Digest as _;
use sha2::Sha256;

/// The SHA-256 of values as they hash themselves. It holds in this process alone, since another version of Rust may hash
/// otherwise. Maps of a push are ordered, so its values always hash alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::desk) struct Digest([u8; 32]);

impl Digest {
    pub(in crate::desk) fn of(value: &impl Hash) -> Self {
        let mut written = Written(Sha256::new());
        value.hash(&mut written);
        let Written(digest) = written;
        Self(digest.finalize().into())
    }
}

/// Takes what a value writes to be hashed.
struct Written(Sha256);

impl Hasher for Written {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Nobody asks for 64 bits.
    fn finish(&self) -> u64 {
        0
    }
}
