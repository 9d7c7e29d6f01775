//! What a connection tells the client about its limits, and what happens beyond them.

/// The SETTINGS of a connection, as APNs was seen to send them. Source: jchambers/pushy#476.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdvertisedSettings {
    pub(crate) max_concurrent_streams: u32,
    pub(crate) initial_window_size: u32,
    pub(crate) header_table_size: u32,
    pub(crate) max_frame_size: u32,
    pub(crate) max_header_list_size: u32,
    pub(crate) over_limit: OverLimit,
    /// Whether `:scheme: https:` is accepted as `https`.
    pub(crate) scheme_with_colon: bool,
}

/// What happens to a stream beyond the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OverLimit {
    /// The stream is reset with REFUSED_STREAM. Source: RFC 9113, 5.1.2.
    Refused,
    /// The connection ends after a GOAWAY with PROTOCOL_ERROR, as at FCM. Source: firebase/firebase-admin-node#2943.
    EndsConnection,
}
