//! The fields that FCM names in a refusal, as paths of the contract.

/// The field that is at fault where the caller wrote the message by hand, whatever FCM names in it.
const RAW: &str = "content.fcm.message_json";

/// The path of the contract that a field of FCM's was made from, such as `message.android.ttl`; none where it was made
/// from several.
pub(super) fn path(field: &str, raw_message: bool) -> Option<&'static str> {
    let field = plain(field);
    let row = TARGETS.iter().find(|(theirs, _)| *theirs == field);
    if row.is_none() && raw_message {
        return field.starts_with("message").then_some(RAW);
    }
    row.or_else(|| TABLE.iter().find(|(theirs, _)| is_within(&field, theirs))).map(|(_, ours)| *ours)
}

/// Writes a path in snake case and without what stands in brackets: `message.data[2].value` becomes
/// `message.data.value`. It is needed because protobuf's JSON has two spellings of every name. Source: protobuf.dev,
/// "ProtoJSON Format".
fn plain(field: &str) -> String {
    let mut plain = String::with_capacity(field.len());
    let mut inside = false;
    for character in field.chars() {
        match character {
            '[' => inside = true,
            ']' => inside = false,
            _ if inside => {}
            'A'..='Z' if !plain.is_empty() && !plain.ends_with('.') => {
                plain.push('_');
                plain.push(character.to_ascii_lowercase());
            }
            _ => plain.push(character),
        }
    }
    plain
}

fn is_within(field: &str, outer: &str) -> bool {
    field.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

type Row = (&'static str, &'static str);

pub(super) const TOKEN: &str = "target.fcm.registration_token";

/// The fields that name a target. A message that was written by hand never has one.
const TARGETS: &[Row] = &[
    ("message.token", TOKEN),
    ("message.fid", "target.fcm.fid"),
    ("message.topic", "target.fcm.topic"),
    ("message.condition", "target.fcm.condition"),
];

/// The fields of FCM's and the paths of the contract that they are made from. A listed field stands for all below it.
/// What `parts.rs` and `apple.rs` make from several fields of the contract is not listed.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("message.data", "content.data"),
    ("message.notification.title", "content.notification.title"),
    ("message.notification.body", "content.notification.body"),
    ("message.notification.image", "content.notification.image"),
    ("message.notification", "content.notification"),
    ("message.android.ttl", "options.ttl"),
    ("message.android.collapse_key", "options.collapse_key"),
    ("message.android.priority", "options.priority"),
    ("message.android.restricted_package_name", "content.fcm.restricted_package_name"),
    ("message.android.direct_boot_ok", "content.fcm.direct_boot_ok"),
    ("message.android.notification.icon", "content.fcm.icon"),
    ("message.android.notification.color", "content.fcm.color"),
    ("message.android.notification.tag", "content.fcm.tag"),
    ("message.android.notification.channel_id", "content.fcm.channel_id"),
    ("message.android.notification.visibility", "content.fcm.visibility"),
    ("message.android.notification.sound", "content.notification.sound"),
    ("message.android.notification.click_action", "content.notification.category"),
    ("message.android.notification.notification_count", "content.notification.badge"),
    ("message.android.notification.title_loc_key", "content.notification.title_localized.key"),
    ("message.android.notification.title_loc_args", "content.notification.title_localized.arguments"),
    ("message.android.notification.body_loc_key", "content.notification.body_localized.key"),
    ("message.android.notification.body_loc_args", "content.notification.body_localized.arguments"),
    ("message.android.notification", "content.notification"),
    ("message.apns.live_activity_token", "content.fcm.live_activity_token"),
    ("message.apns.headers.apns-priority", "options.priority"),
    ("message.apns.headers.apns-collapse-id", "options.collapse_key"),
    ("message.apns.headers.apns-expiration", "options.ttl"),
    ("message.fcm_options.analytics_label", "content.fcm.analytics_label"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_fcm_is_a_path_of_the_contract_where_it_can_be() {
        for (field, ours) in [
            ("message.token", Some("target.fcm.registration_token")),
            ("message.topic", Some("target.fcm.topic")),
            ("message.data[2].value", Some("content.data")),
            ("message.data[\"a.b\"]", Some("content.data")),
            ("message.android.ttl", Some("options.ttl")),
            ("message.android.collapseKey", Some("options.collapse_key")),
            ("message.android.notification.color", Some("content.fcm.color")),
            (
                "message.android.notification.titleLocArgs[0]",
                Some("content.notification.title_localized.arguments"),
            ),
            ("message.android.notification.new", Some("content.notification")),
            ("message.webpush.headers[0].value", None),
            ("message.apns.payload", None),
            ("message.android.data[2].value", None),
            ("message.android.ttlx", None),
            ("message.tokens", None),
            ("message", None),
            ("", None),
            ("é]", None),
        ] {
            assert_eq!(path(field, false), ours, "{field}");
        }
    }

    #[test]
    fn what_was_written_by_hand_is_one_field() {
        for field in ["message", "message.android.data[2].value", "message.notification.title"] {
            assert_eq!(path(field, true), Some(RAW), "{field}");
        }
        assert_eq!(path("message.token", true), Some("target.fcm.registration_token"));
        assert_eq!(path("validate_only", true), None);
    }
}
