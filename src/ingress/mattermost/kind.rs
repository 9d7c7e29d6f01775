//! The kinds of push notifications: what each shows, and its name in metrics.

use super::request::PushNotification;

/// What a push notification is, as far as it is said differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Somebody wrote something.
    Message,
    /// The same, without what was written: the app fetches it by the id of the post.
    IdLoaded,
    /// The user's session has expired.
    Session,
    /// The app is to delete what it keeps of the server, without a word to the user.
    Wipe,
    /// A channel was read elsewhere.
    Clear,
    /// The number on the app's icon.
    UpdateBadge,
    /// Whether pushes arrive at all.
    Test,
    /// A type that is newer than the gateway.
    Other,
}

impl Kind {
    /// What metrics call them, in the order of the variants. The last is of those that could not be read.
    pub(super) const NAMES: [&'static str; 9] =
        ["message", "id_loaded", "session", "wipe", "clear", "update_badge", "test", "other", "unreadable"];

    /// The number of the name of one that could not be read.
    pub(super) const UNREADABLE: usize = Self::NAMES.len() - 1;

    /// What a notification is. Contents that are loaded by id come before the type, as in the real proxy.
    pub(super) fn of(notification: &PushNotification<'_>) -> Self {
        if notification.is_id_loaded {
            return Self::IdLoaded;
        }
        match &*notification.r#type {
            "message" => Self::Message,
            "session" if notification.message.is_empty() && notification.content_available == 1 => Self::Wipe,
            "session" => Self::Session,
            "clear" => Self::Clear,
            "update_badge" => Self::UpdateBadge,
            "test" => Self::Test,
            _ => Self::Other,
        }
    }

    /// Whether it does no harm to send it twice. A message would be shown twice.
    pub(super) fn is_repeatable(self) -> bool {
        match self {
            Self::Wipe | Self::Clear | Self::UpdateBadge | Self::Test => true,
            Self::Message | Self::IdLoaded | Self::Session | Self::Other => false,
        }
    }
}
