//! A request is answered: its devices become drafts, and what became of them becomes one answer.

use std::time::SystemTime;

use futures_util::future::{Either, FutureExt, join_all, ready};
use http::StatusCode;

use super::answer::Answer;
use super::draft::{Common, draft};
use super::fate::Fate;
use super::request::{Device, Notification};
use super::settings::{MatrixSettings, UnknownApp};
use crate::desk::{Arrival, Caller, Desk, NoRoom, Settled};
use crate::held_bytes::BytesShare;
use crate::metrics::MatrixMetrics;

/// Who calls, and where pushes are handed in.
pub(super) struct Counter<'a> {
    pub(super) desk: &'a Desk,
    pub(super) caller: &'a Caller,
    pub(super) share: &'a BytesShare,
    pub(super) arrival: Arrival,
}

/// Sends what a request says, and answers it.
pub(super) async fn notify(
    settings: &MatrixSettings,
    metrics: &MatrixMetrics,
    counter: Counter<'_>,
    body: &[u8],
) -> Answer {
    let (notification, devices) = match Notification::read(body) {
        Ok(read) => read,
        Err(bad) => return bad.answer(),
    };
    let common = Common {
        accepted_at: SystemTime::now(),
        max_wait: settings.max_wait,
        held: counter.share.in_flight(body.len() / devices.len().max(1)),
    };
    let sent = devices.iter().map(|device| {
        let Some(app) = settings.apps.find(&device.app_id) else {
            return Either::Left(ready(unknown(device, settings.unknown_app)));
        };
        match draft(&notification, device, app, &common) {
            Ok(draft) => Either::Right(counter.desk.submit(counter.caller, draft, counter.arrival).map(fate)),
            Err(fate) => Either::Left(ready(fate)),
        }
    });
    // All are admitted before one is sent, and all are sent before one is waited for.
    let fates = join_all(sent.collect::<Vec<_>>()).await;
    for fate in &fates {
        metrics.device(fate.name());
    }
    answer(devices, &fates)
}

fn unknown(device: &Device, unknown: UnknownApp) -> Fate {
    tracing::warn!(
        app_id = %device.app_id.chars().filter(char::is_ascii_graphic).take(64).collect::<String>(),
        "a homeserver asked for an app_id that [http.matrix.apps] does not name"
    );
    match unknown {
        UnknownApp::Retry => Fate::UnknownApp,
        UnknownApp::Reject => Fate::Rejected,
    }
}

fn fate(settled: Result<Settled, NoRoom>) -> Fate {
    settled.map_or(Fate::Overloaded, |settled| Fate::of(&settled.result))
}

/// One answer for all devices. Those that were served are known again when the homeserver repeats the request, so a repeat sends
/// to the others alone. It may go on for a day where somebody has to mend the configuration, which is longer than they are
/// known, so that alone is no reason to repeat what was served to anybody.
fn answer(devices: Vec<Device>, fates: &[Fate]) -> Answer {
    let any = |wanted: Fate| fates.contains(&wanted);
    if any(Fate::Later) {
        return Answer::again(StatusCode::BAD_GATEWAY, "the push service cannot take the push now");
    }
    if any(Fate::Overloaded) {
        return Answer::again(StatusCode::SERVICE_UNAVAILABLE, "the gateway cannot take the push now");
    }
    if fates.iter().all(|fate| [Fate::Misconfigured, Fate::UnknownApp].contains(fate)) {
        return Answer::again(StatusCode::BAD_GATEWAY, "the gateway is not configured for this push");
    }
    let rejected = devices.into_iter().zip(fates).filter(|(_, fate)| **fate == Fate::Rejected);
    let rejected: Vec<_> = rejected.map(|(device, _)| device.pushkey).collect();
    Answer::served(&rejected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices(count: usize) -> Vec<Device> {
        let device = |number| Device {
            app_id: "app".to_owned(),
            pushkey: format!("key-{number}"),
            data: serde_json::Map::new(),
        };
        (0..count).map(device).collect()
    }

    fn told(fates: &[Fate]) -> (u16, String) {
        let answer = answer(devices(fates.len()), fates);
        (answer.status.as_u16(), String::from_utf8(answer.body).unwrap())
    }

    #[test]
    fn one_bad_device_does_not_spoil_the_rest() {
        let (served, rejected, given_up) = (Fate::Served, Fate::Rejected, Fate::GivenUp);
        let (later, full, wrong) = (Fate::Later, Fate::Overloaded, Fate::Misconfigured);
        let unknown = Fate::UnknownApp;
        assert_eq!(told(&[served]), (200, r#"{"rejected":[]}"#.to_owned()));
        assert_eq!(told(&[given_up]), (200, r#"{"rejected":[]}"#.to_owned()));
        assert_eq!(
            told(&[rejected, served, rejected]),
            (200, r#"{"rejected":["key-0","key-2"]}"#.to_owned())
        );
        // Whoever was served is not sent to again for as long as somebody mends the configuration.
        assert_eq!(told(&[served, wrong, rejected]), (200, r#"{"rejected":["key-2"]}"#.to_owned()));
        assert_eq!(told(&[wrong, unknown]).0, 502);
        assert_eq!(told(&[served, later, full]).0, 502);
        assert_eq!(told(&[rejected, full, wrong]).0, 503);
    }
}
