//! How figures, times and names are said.

use std::time::{Duration, SystemTime};

/// A push service as people write it.
pub(super) fn service(provider: &str) -> &str {
    match provider {
        "apns" => "APNs",
        "fcm" => "FCM",
        "web_push" | "webpush" => "Web Push",
        "mattermost" => "Mattermost",
        other => other,
    }
}

/// A name of several words as people write it.
pub(super) fn words(name: &str) -> String {
    name.replace('_', " ").to_lowercase()
}

/// A number: with a tenth below ten, and with its thousands apart.
pub(super) fn figure(number: f64) -> String {
    if number < 9.95 {
        let said = format!("{number:.1}");
        return said.strip_suffix(".0").map_or(said.clone(), str::to_owned);
    }
    let digits = format!("{number:.0}");
    let mut said = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            said.push(',');
        }
        said.push(digit);
    }
    said
}

/// A count.
pub(super) fn count(number: usize) -> String {
    figure(number as f64)
}

/// How long something took.
pub(super) fn milliseconds(millis: f64) -> String {
    if millis < 999.5 { format!("{} ms", figure(millis)) } else { format!("{} s", figure(millis / 1000.0)) }
}

/// When something was: `12:04`, with its date where that is another than today's.
pub(super) fn clock(moment: SystemTime, now: SystemTime) -> String {
    crate::status::clock(moment, now).trim_end_matches(" UTC").to_owned()
}

/// The same to the second, without its date.
pub(super) fn clock_seconds(moment: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(moment).to_string();
    text.get(11..19).unwrap_or_default().to_owned()
}

/// How far away something is: `3 min ago`, `in 5 days`.
pub(super) fn relative(moment: SystemTime, now: SystemTime) -> String {
    match now.duration_since(moment) {
        Ok(ago) if ago < Duration::from_secs(2) => "just now".to_owned(),
        Ok(ago) => format!("{} ago", amount(ago)),
        Err(ahead) => format!("in {}", amount(ahead.duration())),
    }
}

/// A time in its largest unit.
pub(super) fn amount(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        86_400..172_800 => "1 day".to_owned(),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_and_times_are_said_shortly() {
        let said = [0.0, 0.25, 9.94, 9.95, 999.4, 1234.0, 1_234_567.0].map(figure);
        assert_eq!(said, ["0", "0.2", "9.9", "10", "999", "1,234", "1,234,567"]);
        assert_eq!([0.3, 12.0, 1500.0].map(milliseconds), ["0.3 ms", "12 ms", "1.5 s"]);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10 * 86_400);
        let ago = |seconds| relative(now - Duration::from_secs(seconds), now);
        assert_eq!(
            [1, 59, 180, 7200, 90_000].map(ago),
            ["just now", "59 s ago", "3 min ago", "2 h ago", "1 day ago"]
        );
        assert_eq!(relative(now + Duration::from_secs(5 * 86_400), now), "in 5 days");
        assert_eq!(clock(now, now), "00:00");
        assert_eq!(clock_seconds(now + Duration::from_secs(61)), "00:01:01");
    }
}
