//! The limits and the defaults of Web Push.

/// The largest payload before encryption, in bytes. Every push service takes 4,096 bytes, of which the header of the
/// content coding takes 86, the delimiter 1 and the authentication tag 16.
///
/// Source: RFC 8291, section 4, and RFC 8030, section 7.2.
pub(crate) const MAX_PLAINTEXT_BYTES: usize = 3993;

/// The longest `Topic`, in characters of base64url.
///
/// Source: RFC 8030, section 5.4.
pub(crate) const MAX_TOPIC_CHARS: usize = 32;

/// The time to live of a push that names none, in seconds: four weeks. Web Push has no default of its own, and a
/// request without `TTL` is refused.
///
/// Source: RFC 8030, section 5.2; the number is the gateway's own.
pub(crate) const DEFAULT_TTL_SECONDS: u64 = 2_419_200;
