//! What a push says, and how it is treated.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::time::{Duration, SystemTime};

/// What a push says: portable parts, typed parts of a provider, or a raw body that replaces both.
#[derive(Debug, Clone, Default, PartialEq, Hash)]
pub struct Content {
    /// What the user sees.
    pub notification: Option<Notification>,
    /// What the app reads. It is ordered, so that a payload is the same bytes each time.
    pub data: BTreeMap<String, String>,
    /// The part that only APNs reads.
    pub apns: Option<Box<ApnsContent>>,
    /// The part that only FCM reads.
    pub fcm: Option<Box<FcmContent>>,
    /// The part that only Web Push reads.
    pub web_push: Option<WebPushContent>,
    /// The part that only Mattermost push proxies read.
    pub mattermost: Option<Box<MattermostContent>>,
}

/// What the user sees. An empty text is an absent one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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
    /// Notifications with the same thread are grouped.
    pub thread: String,
    /// A localized title, which stands in for `title`.
    pub title_localized: Option<Box<LocalizedText>>,
    /// A localized subtitle, which stands in for `subtitle`.
    pub subtitle_localized: Option<Box<LocalizedText>>,
    /// A localized body, which stands in for `body`.
    pub body_localized: Option<Box<LocalizedText>>,
}

impl Notification {
    /// Whether the user sees, hears or is numbered by anything.
    #[must_use]
    pub(crate) fn shows(&self) -> bool {
        self.alerts() || !self.sound.is_empty() || self.badge.is_some()
    }

    /// Whether there is text to show.
    #[must_use]
    pub(crate) fn alerts(&self) -> bool {
        !self.title.is_empty()
            || !self.subtitle.is_empty()
            || !self.body.is_empty()
            || self.title_localized.is_some()
            || self.subtitle_localized.is_some()
            || self.body_localized.is_some()
    }
}

/// A text that the device looks up in the app's own strings.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LocalizedText {
    /// The key.
    pub key: String,
    /// What its placeholders become.
    pub arguments: Vec<String>,
}

/// What only APNs knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ApnsContent {
    /// `apns-push-type`. Where it is empty, the type follows from what there is to show.
    pub push_type: String,
    /// `mutable-content`.
    pub mutable_content: bool,
    /// `content-available`.
    pub content_available: bool,
    /// `interruption-level`.
    pub interruption_level: Option<InterruptionLevel>,
    /// `relevance-score`, which is finite.
    pub relevance_score: Option<f64>,
    /// `target-content-id`.
    pub target_content_id: String,
    /// `filter-criteria`.
    pub filter_criteria: String,
    /// A critical alert's sound, which stands in for the portable sound.
    pub critical_sound: Option<CriticalSound>,
    /// A Live Activity.
    pub live_activity: Option<LiveActivity>,
    /// The whole payload. Where it is empty, the payload is made from the other fields.
    pub payload_json: String,
    /// Whether the gateway wrote that payload itself, for a push that names its push type and its priority. It is not read again.
    pub payload_is_own: bool,
}

impl Hash for ApnsContent {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Every field is named here, so that one that is added is not forgotten.
        let Self {
            push_type,
            mutable_content,
            content_available,
            interruption_level,
            relevance_score,
            target_content_id,
            filter_criteria,
            critical_sound,
            live_activity,
            payload_json,
            payload_is_own,
        } = self;
        (push_type, mutable_content, content_available, interruption_level).hash(state);
        (relevance_score.map(bits), target_content_id, filter_criteria).hash(state);
        (critical_sound, live_activity, payload_json, payload_is_own).hash(state);
    }
}

/// The bits of a number; those of 0 where it is -0, which is equal to 0.
fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

/// What the device does about an APNs notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InterruptionLevel {
    /// It is added to the list.
    Passive,
    /// It is shown at once.
    Active,
    /// It is shown even during a Focus.
    TimeSensitive,
    /// It is shown even where the device is muted.
    Critical,
}

/// A critical alert's sound.
#[derive(Debug, Clone, PartialEq)]
pub struct CriticalSound {
    /// Its name. Where it is empty, `default` is meant.
    pub name: String,
    /// How loud it is, from 0 to 1.
    pub volume: Option<f64>,
}

impl Hash for CriticalSound {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { name, volume } = self;
        (name, volume.map(bits)).hash(state);
    }
}

/// What happens to a Live Activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LiveActivityEvent {
    /// `start`
    Start,
    /// `update`
    Update,
    /// `end`
    End,
}

/// A Live Activity. Its JSON members are objects, which is checked when they are decoded.
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct LiveActivity {
    /// `event`
    pub event: LiveActivityEvent,
    /// `timestamp`. Where it is absent, the moment is meant at which the push was accepted.
    pub timestamp: Option<SystemTime>,
    /// `content-state`. It is left out where it is empty.
    pub content_state_json: String,
    /// `stale-date`
    pub stale_at: Option<SystemTime>,
    /// `dismissal-date`
    pub dismiss_at: Option<SystemTime>,
    /// `attributes-type`
    pub attributes_type: String,
    /// `attributes`. It is left out where it is empty.
    pub attributes_json: String,
    /// `input-push-token`
    pub input_push_token: bool,
    /// `input-push-channel`
    pub input_push_channel: String,
}

/// What only FCM knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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
    /// The whole message. Where it is empty, the message is made from the other fields.
    pub message_json: String,
}

/// How much of a notification a locked Android device shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AndroidVisibility {
    /// It shows all but the private parts.
    Private,
    /// It shows all of it.
    Public,
    /// It shows nothing.
    Secret,
}

/// What only Web Push knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct WebPushContent {
    /// `Urgency`. Where it is absent, it follows from the priority.
    pub urgency: Option<WebPushUrgency>,
    /// `Topic`. Where it is empty, it follows from the collapse key.
    pub topic: String,
    /// What a click opens.
    pub link: String,
    /// The whole payload. Where it is absent, the payload is made from the other fields.
    pub payload: Option<Vec<u8>>,
}

/// How long a browser may wait to save power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WebPushUrgency {
    /// It is delivered to a device on power and on Wi-Fi.
    VeryLow,
    /// It is delivered to a device on power or on Wi-Fi.
    Low,
    /// It is delivered to a device on neither power nor Wi-Fi.
    Normal,
    /// It is delivered even to a device with a low battery.
    High,
}

/// What only a Mattermost push proxy knows, by its JSON keys. A field is left out where it is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Priority {
    /// It is delivered at once.
    High,
    /// It is delivered when that suits the device's power.
    Normal,
    /// It never wakes the device.
    Low,
}

/// How long a push is worth delivering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Expiry {
    /// The push service's own default holds.
    #[default]
    Default,
    /// The push service delivers it now or drops it, and does not store it. It never expires in the gateway.
    NoStore,
    /// It is worth delivering until this moment.
    At(SystemTime),
}

/// How a push is treated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// How urgent it is. Where it is absent, a push that shows something is high and any other is normal.
    pub priority: Option<Priority>,
    /// How long it is worth delivering.
    pub expiry: Expiry,
    /// Of several pushes with the same key only the newest matters. Where it is empty, the push collapses with none.
    pub collapse_key: String,
    /// How long the gateway may work on it. Where it is absent, the configured limit holds.
    pub max_wait: Option<Duration>,
    /// Whether it may be sent again after an unanswered attempt.
    pub repeatable: bool,
    /// Whether everything is checked and nothing is delivered.
    pub dry_run: bool,
    /// Whether a second push with the same id is not sent, but gets the verdict of the first.
    pub once: bool,
    /// Whether anybody may have asked for it, because its ingress knows no callers. What becomes of it says nothing of the
    /// targets that known callers name.
    pub from_anybody: bool,
}
