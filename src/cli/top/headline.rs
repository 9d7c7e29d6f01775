//! What is said first: how the gateway is in a sentence, and whether that is still so.

use std::time::Duration;

use tokio::time::Instant;

use super::news::{ASK_EVERY, News, Stream};
use super::paint::Tone;
use super::words::{amount, clock_seconds, count, service};
use crate::status::{AppHealth, AppStatus, Status};

/// So many apps are named in the headline.
const MOST_NAMED: usize = 3;

/// How the gateway is, in a sentence.
pub(super) fn headline(status: &Status) -> (String, Tone) {
    if !status.ready {
        let why = status.not_ready.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        return (format!("This gateway takes no pushes{why}."), Tone::Failing);
    }
    let of = |health| status.apps.iter().filter(|app| app.health == health).collect::<Vec<_>>();
    let verb = |apps: &[&AppStatus]| if apps.len() == 1 { "is" } else { "are" };
    let (failing, troubled) = (of(AppHealth::Failing), of(AppHealth::Troubled));
    if !failing.is_empty() {
        return (format!("{} {} failing.", named(&failing), verb(&failing)), Tone::Failing);
    }
    if !troubled.is_empty() {
        return (format!("{} {} in trouble.", named(&troubled), verb(&troubled)), Tone::Troubled);
    }
    if let Some(caller) = status.callers.iter().find(|caller| caller.trouble.is_some()) {
        return (format!("The caller {} is in trouble.", caller.name), Tone::Troubled);
    }
    if let Some(it) = status.credentials.iter().find(|credential| credential.trouble.is_some()) {
        return (format!("The {} {} is in trouble.", it.kind, it.place), Tone::Troubled);
    }
    if let Some(feed) = status.feeds.iter().find(|feed| feed.health == AppHealth::Failing) {
        return (format!("The receiver of feed {} does not take its events.", feed.name), Tone::Troubled);
    }
    if status.apps.is_empty() {
        return ("The configuration has no apps.".to_owned(), Tone::Unused);
    }
    if of(AppHealth::Well).is_empty() {
        return ("Nothing was sent yet.".to_owned(), Tone::Unused);
    }
    ("Everything is well.".to_owned(), Tone::Well)
}

fn named(apps: &[&AppStatus]) -> String {
    let mut names: Vec<_> = apps
        .iter()
        .take(MOST_NAMED)
        .map(|app| format!("{} on {}", app.app, service(&app.provider)))
        .collect();
    if apps.len() > MOST_NAMED {
        names.push(format!("{} more", apps.len() - MOST_NAMED));
    }
    match names.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => names.concat(),
    }
}

/// What is said of the gateway as a whole.
pub(super) fn subline(status: &Status, address: &str) -> String {
    let up = status.now.duration_since(status.since).unwrap_or_default();
    let flight = format!("{} of {} pushes in flight", count(status.in_flight), count(status.max_in_flight));
    format!("{address}, up {}: {flight}. Fanfare {}", amount(up), status.version)
}

/// What is said while nothing is told: since when, why, and when it is tried again.
pub(super) fn silence(news: &News, address: &str, now: Instant) -> Option<String> {
    let (why, since, again) = match &news.stream {
        Stream::Live => return None,
        Stream::Asked => {
            let at = news.status.as_ref().map_or_else(String::new, |status| clock_seconds(status.now));
            let every = amount(ASK_EVERY);
            return Some(format!(
                "As of {at} UTC: as many listen to this gateway as may, so it is asked every {every}."
            ));
        }
        Stream::Connecting => return Some(format!("Connecting to {address}")),
        Stream::Broken { why, since, again } => (why, since, again),
    };
    let seconds = |time: Duration| Duration::from_secs(time.as_secs_f64().round() as u64);
    let wait = seconds(again.saturating_duration_since(now));
    let again = if wait.is_zero() {
        "Trying again now.".to_owned()
    } else {
        format!("Trying again in {}.", amount(wait))
    };
    Some(match &news.status {
        Some(status) => {
            let long = seconds(now.saturating_duration_since(*since));
            let long = if long.is_zero() { String::new() } else { format!(" ({})", amount(long)) };
            let at = clock_seconds(status.now);
            format!("No news since {at} UTC{long}; what is shown is old. {address}: {why}. {again}")
        }
        None => format!("No news yet. {address}: {why}. {again}"),
    })
}
