//! What an operator can do about a refusal.
//!
//! Sources: Apple, "Handling notification responses from APNs" and "Establishing a token-based connection to APNs";
//! Firebase, "FCM Error Codes"; RFC 6749, section 5.2, for Google's token endpoint.

/// Advice by a part of the reason or of the sentence that came with it; the first that is found holds.
const ADVICE: &[(&str, &str, &str)] = &[
    (
        "apns",
        "InvalidProviderToken",
        "compare key_id and team_id with those of the key at Apple; it may be revoked",
    ),
    ("apns", "ExpiredProviderToken", "compare the clock of this machine with the real time"),
    (
        "apns",
        "BadEnvironmentKey",
        "the key is for the other environment: use another key, or the other environment",
    ),
    (
        "apns",
        "TopicDisallowed",
        "compare topics with the bundle ids of the key's team, or of the certificate",
    ),
    ("apns", "DeviceTokenNotForTopic", "compare topics with the bundle ids of the key's team"),
    ("apns", "BadTopic", "compare topics with the bundle ids of the key's team"),
    ("apns", "MissingTopic", "compare topics with the bundle ids of the certificate"),
    ("apns", "BadCertificateEnvironment", "the certificate is for the other environment"),
    ("apns", "BadCertificate", "make another certificate at Apple"),
    (
        "fcm",
        "invalid_grant",
        "the key was deleted at Google, or the clock of this machine is wrong: make another key",
    ),
    ("fcm", "disabled_client", "the account is disabled at Google: enable it, or use another"),
    ("fcm", "invalid_client", "the account was deleted at Google: make another key"),
    (
        "fcm",
        "PERMISSION_DENIED",
        "give the account the role Firebase Cloud Messaging API Admin in this project, and \
     enable the Firebase Cloud Messaging API there",
    ),
    ("fcm", "SERVICE_DISABLED", "enable the Firebase Cloud Messaging API of the project"),
    ("fcm", "NOT_FOUND", "compare project with the id of the project in the Firebase console"),
    ("fcm", "UNAUTHENTICATED", "Google does not take the access token: make another key"),
];

/// What to do about a refusal of this provider; empty where nothing is known.
pub(super) fn on(provider: &str, reason: &str, detail: &str) -> &'static str {
    let holds = |&&(of, part, _): &&(&str, &str, &str)| {
        of == provider && (reason.contains(part) || detail.contains(part))
    };
    ADVICE.iter().find(holds).map_or("", |(_, _, advice)| advice)
}
