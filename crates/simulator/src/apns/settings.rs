//! The settings of APNs.

/// When a connection to APNs may have more than its first stream. Both were seen: Apple, "Sending notification
/// requests to APNs", and a public transcript of 2022 with SETTINGS before the first 200.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitRises {
    /// The limit rises as soon as the provider token is verified.
    BeforeAnswer,
    /// The limit rises once a request with a good provider token was answered.
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

/// What a test may change about APNs.
#[derive(Clone, Debug)]
pub(crate) struct ApnsSettings {
    /// The bundle ids that belong to the team.
    pub(crate) bundle_ids: Vec<String>,
    /// The MAX_CONCURRENT_STREAMS of a connection whose client proved who it is.
    pub(crate) max_concurrent_streams: u32,
    pub(crate) limit_rises: LimitRises,
    /// After how many BadDeviceToken answers a connection gets a GOAWAY; `None` means never.
    pub(crate) bad_tokens_allowed: Option<u32>,
}
