//! The limits of APNs.

/// The largest payload of a push to a device, in bytes of JSON.
///
/// Source: Apple, "Generating a remote notification".
pub(crate) const MAX_PAYLOAD_BYTES: usize = 4096;

/// The largest payload of push type `voip`, in bytes of JSON.
///
/// Source: Apple, "Generating a remote notification".
pub(crate) const MAX_VOIP_PAYLOAD_BYTES: usize = 5120;

/// The largest payload of a push to a broadcast channel, in bytes of JSON.
///
/// Apple's pages name no limit, so the number is the gateway's own. Where APNs allows less, it answers
/// `PayloadTooLarge` itself.
pub(crate) const MAX_BROADCAST_PAYLOAD_BYTES: usize = 5120;

/// The longest `apns-collapse-id`, in bytes.
///
/// Source: Apple, "Sending notification requests to APNs".
pub(crate) const MAX_COLLAPSE_ID_BYTES: usize = 64;

/// The longest topic that is taken, in bytes. The number is the gateway's own.
pub(crate) const MAX_TOPIC_BYTES: usize = 255;
