//! Where a push goes by a Mattermost push proxy.

use crate::push::RegistrationToken;

/// A device behind a push proxy. It prints with its token cut short.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Device {
    /// The platform, such as `apple` or `android_rn-v2`: what precedes the first colon of a device id.
    pub platform: String,
    /// The token of the platform's push service: what follows that colon.
    pub token: RegistrationToken,
    /// The id of the Mattermost server. Where it is absent, the app's configured server is meant.
    pub server_id: Option<String>,
}
