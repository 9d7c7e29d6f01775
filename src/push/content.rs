//! What a push says, and how it is treated.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// What a push says: portable parts, typed parts of a provider, or a raw body that replaces both.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Content {
    /// What the user sees.
    pub notification: Option<Notification>,
    /// For the app. Ordered, so that a payload is the same bytes each time.
    pub data: BTreeMap<String, String>,
    /// For APNs only.
    pub apns: Option<Box<ApnsContent>>,
    /// For FCM only.
    pub fcm: Option<Box<FcmContent>>,
    /// For Web Push only.
    pub web_push: Option<WebPushContent>,
    /// For Mattermost push proxies only.
    pub mattermost: Option<Box<MattermostContent>>,
}

/// What the user sees. An empty text is an absent one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notification {
    /// Its first line.
    pub title: String,
    /// Its second line.
    pub subtitle: String,
    /// Its text.
    pub body: String,
    /// An https URL.
    pub image: String,
    /// A sound in the app, or `default`.
    pub sound: String,
    /// The number on the app's icon; 0 clears it.
    pub badge: Option<u32>,
    /// What a tap means.
    pub category: String,
    /// Groups notifications.
    pub thread: String,
    /// Instead of `title`.
    pub title_localized: Option<Box<LocalizedText>>,
    /// Instead of `subtitle`.
    pub subtitle_localized: Option<Box<LocalizedText>>,
    /// Instead of `body`.
    pub body_localized: Option<Box<LocalizedText>>,
}

impl Notification {
    /// Whether the user sees, hears or is numbered by anything.
    #[must_use]
    pub fn shows(&self) -> bool {
        self.alerts() || !self.sound.is_empty() || self.badge.is_some()
    }

    /// Whether there is text to show.
    #[must_use]
    pub fn alerts(&self) -> bool {
        !self.title.is_empty()
            || !self.subtitle.is_empty()
            || !self.body.is_empty()
            || self.title_localized.is_some()
            || self.subtitle_localized.is_some()
            || self.body_localized.is_some()
    }
}

/// A text that the device looks up in the app's own strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalizedText {
    /// The key.
    pub key: String,
    /// What its placeholders become.
    pub arguments: Vec<String>,
}

/// What only APNs knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ApnsContent {
    /// `apns-push-type`. Empty: by what there is to show.
    pub push_type: String,
    /// `mutable-content`.
    pub mutable_content: bool,
    /// `content-available`.
    pub content_available: bool,
    /// `interruption-level`.
    pub interruption_level: Option<InterruptionLevel>,
    /// `relevance-score`. Finite.
    pub relevance_score: Option<f64>,
    /// `target-content-id`.
    pub target_content_id: String,
    /// `filter-criteria`.
    pub filter_criteria: String,
    /// Instead of the portable sound.
    pub critical_sound: Option<CriticalSound>,
    /// A Live Activity.
    pub live_activity: Option<LiveActivity>,
    /// The whole payload. Empty: made from the rest.
    pub payload_json: String,
}

/// What the device does about an APNs notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterruptionLevel {
    /// Added to the list.
    Passive,
    /// Shown at once.
    Active,
    /// Shown through a Focus.
    TimeSensitive,
    /// Shown through mute.
    Critical,
}

/// A critical alert's sound.
#[derive(Debug, Clone, PartialEq)]
pub struct CriticalSound {
    /// Empty: `default`.
    pub name: String,
    /// 0 to 1.
    pub volume: Option<f64>,
}

/// What happens to a Live Activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveActivityEvent {
    /// `start`
    Start,
    /// `update`
    Update,
    /// `end`
    End,
}

/// A Live Activity. JSON members are objects, checked when decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveActivity {
    /// `event`
    pub event: LiveActivityEvent,
    /// `timestamp`. Absent: when the push was accepted.
    pub timestamp: Option<SystemTime>,
    /// `content-state`. Empty: left out.
    pub content_state_json: String,
    /// `stale-date`
    pub stale_at: Option<SystemTime>,
    /// `dismissal-date`
    pub dismiss_at: Option<SystemTime>,
    /// `attributes-type`
    pub attributes_type: String,
    /// `attributes`. Empty: left out.
    pub attributes_json: String,
    /// `input-push-token`
    pub input_push_token: bool,
    /// `input-push-channel`
    pub input_push_channel: String,
}

/// What only FCM knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FcmContent {
    /// `android.notification.channel_id`
    pub channel_id: String,
    /// `android.notification.tag`
    pub tag: String,
    /// `android.notification.icon`
    pub icon: String,
    /// `android.notification.color`
    pub color: String,
    /// `android.notification.visibility`
    pub visibility: Option<AndroidVisibility>,
    /// `android.direct_boot_ok`
    pub direct_boot_ok: bool,
    /// `android.restricted_package_name`
    pub restricted_package_name: String,
    /// `fcm_options.analytics_label`
    pub analytics_label: String,
    /// `apns.live_activity_token`
    pub live_activity_token: String,
    /// The whole message. Empty: made from the rest.
    pub message_json: String,
}

/// How much of a notification a locked Android device shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AndroidVisibility {
    /// All but private parts.
    Private,
    /// All of it.
    Public,
    /// Nothing.
    Secret,
}

/// What only Web Push knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebPushContent {
    /// `Urgency`. Absent: by the priority.
    pub urgency: Option<WebPushUrgency>,
    /// `Topic`. Empty: by the collapse key.
    pub topic: String,
    /// What a click opens.
    pub link: String,
    /// The whole payload. Absent: made from the rest.
    pub payload: Option<Vec<u8>>,
}

/// How long a browser may wait to save power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebPushUrgency {
    /// On power and Wi-Fi.
    VeryLow,
    /// On either.
    Low,
    /// On neither.
    Normal,
    /// With a low battery.
    High,
}

/// What only a Mattermost push proxy knows, by its JSON keys. Empty: left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the JSON keys of the push proxy")]
pub struct MattermostContent {
    pub r#type: String,
    pub sub_type: String,
    pub ack_id: String,
    pub post_id: String,
    pub team_id: String,
    pub channel_id: String,
    pub root_id: String,
    pub sender_id: String,
    pub sender_name: String,
    pub override_username: String,
    pub override_icon_url: String,
    pub from_webhook: String,
    pub version: String,
    pub is_crt_enabled: bool,
    pub is_id_loaded: bool,
    pub signature: String,
    pub transport: String,
}

/// What the device is told about urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// At once.
    High,
    /// When it suits the device's power.
    Normal,
    /// Never wakes the device.
    Low,
}

/// How long a push is worth delivering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expiry {
    /// The push service's own default.
    #[default]
    Default,
    /// Deliver now or drop: the push service does not store it. Never expires in the gateway.
    NoStore,
    /// Until this moment.
    At(SystemTime),
}

/// How a push is treated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Absent: high where something is shown, else normal.
    pub priority: Option<Priority>,
    /// How long it is worth delivering.
    pub expiry: Expiry,
    /// Of pushes with the same key only the newest matters. Empty: none.
    pub collapse_key: String,
    /// How long the gateway may work on it. Absent: the configured limit.
    pub max_wait: Option<Duration>,
    /// May be sent again after an unanswered attempt.
    pub repeatable: bool,
    /// Check everything, deliver nothing.
    pub dry_run: bool,
}
