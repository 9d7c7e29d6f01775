//! The lists of known answers against the answers that are kept as data.

use super::Provider;
use super::apns::Apns;
use super::fcm::Fcm;
use super::mattermost::Mattermost;
use super::webpush::WebPush;

#[derive(serde::Deserialize)]
struct Answer {
    status: u16,
    reason: String,
}

/// The reasons of a file that are words and not sentences, and that no list has.
fn unlisted<P: Provider>(answers: &str) -> Vec<String> {
    let (known, answers) = (P::known_answers(), serde_json::from_str::<Vec<Answer>>(answers).unwrap());
    assert!(answers.len() > 20);
    let is_word = |reason: &str| reason.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
    let of = |answer: &Answer| answer.reason.split(':').next().unwrap_or_default().to_owned();
    let words = answers.iter().map(|it| (it.status, of(it))).filter(|(_, reason)| is_word(reason));
    let listed = |status, reason: &str| known.contains(&(status, reason));
    let unlisted = words.filter(|(status, reason)| !reason.is_empty() && !listed(*status, reason));
    unlisted.map(|(status, reason)| format!("{status} {reason}")).collect()
}

#[test]
fn every_reason_that_is_kept_as_data_is_counted_by_its_name() {
    assert_eq!(
        unlisted::<Apns>(include_str!("../../tests/data/apns-answers.json")),
        ["400 AReasonFromTomorrow"]
    );
    assert_eq!(
        unlisted::<Fcm>(include_str!("../../tests/data/fcm-answers.json")),
        ["400 BRAND_NEW", "401 BRAND_NEW", "404 BRAND_NEW", "200 UNREGISTERED"]
    );
    assert_eq!(unlisted::<WebPush>(include_str!("../../tests/data/webpush-answers.json")), ["400 BrandNew"]);
    assert_eq!(
        unlisted::<Mattermost>(include_str!("../../tests/data/mattermost-answers.json")),
        ["200 LATER"]
    );
}

#[test]
fn what_is_answered_when_all_is_well_is_found_first() {
    let first =
        [Apns::known_answers(), Fcm::known_answers(), Mattermost::known_answers()].map(|known| known[0]);
    assert_eq!(first, [(200, ""); 3]);
    assert_eq!(WebPush::known_answers()[0], (201, ""));
}
