//! The limits of a push proxy.

/// The longest `message`, in bytes. The proxy would cut a longer one, even inside a character.
///
/// Source: github.com/mattermost/mattermost-push-proxy, `server/`.
pub(crate) const MAX_MESSAGE_BYTES: usize = 2047;

/// The longest `channel_name`, in bytes. The proxy would cut a longer one in the same way.
///
/// Source: github.com/mattermost/mattermost-push-proxy, `server/`.
pub(crate) const MAX_CHANNEL_NAME_BYTES: usize = 64;

/// The longest server id that is taken, in bytes.
///
/// Source: the contract, `MattermostDevice.server_id`.
pub(crate) const MAX_SERVER_ID_BYTES: usize = 64;
