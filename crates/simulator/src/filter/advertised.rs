//! What a connection tells the client about its limits, and what happens beyond them.

/// SETTINGS of a connection as APNs was seen to send them. Source: jchambers/pushy#476.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdvertisedSettings {
    pub(crate) max_concurrent_streams: u32,
    pub(crate) initial_window_size: u32,
    pub(crate) header_table_size: u32,
    pub(crate) max_frame_size: u32,
    pub(crate) max_header_list_size: u32,
    pub(crate) over_limit: OverLimit,
    /// `:scheme: https:` is taken for `https`.
    pub(crate) scheme_with_colon: bool,
}

/// What happens to a stream beyond the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OverLimit {
    /// RST_STREAM with REFUSED_STREAM. Source: RFC 9113, 5.1.2.
    Refused,
    /// GOAWAY with PROTOCOL_ERROR, and the connection ends, as at FCM. Source:
    /// firebase/firebase-admin-node#2943.
    EndsConnection,
}
