//! The settings that a running simulator reads, beside those of each service.

/// When a connection to APNs may have more than its first stream. Both were seen: Apple, "Sending notification
/// requests to APNs", and a public transcript of 2022 with SETTINGS before the first 200.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitRises {
    /// As soon as its provider token is verified.
    BeforeAnswer,
    /// Once a request with a good provider token was answered.
    #[default]
    AfterAnswer,
}

impl std::str::FromStr for LimitRises {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "before-answer" => Ok(Self::BeforeAnswer),
            "after-answer" => Ok(Self::AfterAnswer),
            other => Err(format!("found {other:?}, expected before-answer or after-answer")),
        }
    }
}

/// The settings that a running simulator reads.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// MAX_CONCURRENT_STREAMS once a connection is trusted.
    pub(super) max_concurrent_streams: u32,
    pub(super) initial_window_size: u32,
    pub(super) connection_window_size: u32,
    pub(super) bundle_ids: Vec<String>,
    pub(super) limit_rises: LimitRises,
    /// GOAWAY after so many BadDeviceToken answers on one connection.
    pub(super) bad_tokens_allowed: Option<u32>,
}
