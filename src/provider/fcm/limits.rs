//! The limits of FCM.

/// The most bytes of keys and values in `data` and `notification` of a message.
///
/// Source: Firebase, "FCM Error Codes", INVALID_ARGUMENT.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 4096;

/// The same where the message goes to a topic, or to several by a condition.
///
/// Source: Firebase, "FCM Error Codes", INVALID_ARGUMENT.
pub(crate) const MAX_TOPIC_PAYLOAD_BYTES: usize = 2048;

/// The longest time to live, in seconds: four weeks.
///
/// Source: Firebase, "REST Resource: projects.messages", `AndroidConfig.ttl`.
pub(crate) const MAX_TTL_SECONDS: u64 = 2_419_200;

/// The longest analytics label, in characters.
///
/// Source: Firebase, "Understanding message delivery", analytics labels.
pub(crate) const MAX_ANALYTICS_LABEL_CHARS: usize = 50;

/// The longest project id that is taken, in bytes. The number is the gateway's own.
pub(crate) const MAX_PROJECT_ID_BYTES: usize = 128;
