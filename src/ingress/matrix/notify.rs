//! A request is answered: its devices become drafts, and what became of them becomes one answer.

use bytes::Bytes;
use fanfare_upstream::coarse_now;
use futures_util::future::{Either, FutureExt, join_all, ready};
use http::StatusCode;

use super::Matrix;
use super::answer::Told;
use super::draft::{Common, draft};
use super::fate::Fate;
use super::request::{Device, Notification};
use super::settings::UnknownApp;
use crate::desk::{Draft, NoRoom, Settled};
use crate::ingress::http::Call;

impl Matrix {
    /// Sends what a request says to its devices.
    pub(super) async fn notify(&self, call: &Call<'_>, body: Bytes) -> Told {
        let (notification, devices) = match Notification::read(&body) {
            Ok(read) => read,
            Err(bad) => return bad.told(),
        };
        let common = Common { accepted_at: coarse_now(), max_wait: self.settings.max_wait };
        // The push of each device may say all of the request.
        let bytes = body.len();
        drop(body);
        let sent = devices.iter().map(|device| self.send(call, &notification, device, (common, bytes)));
        // All are admitted before one is sent.
        let sent: Vec<_> = sent.collect();
        drop(notification);
        let fates = join_all(sent).await;
        for fate in &fates {
            self.counters.count(*fate);
        }
        told(devices, &fates)
    }

    /// Sends to a device when the future is polled.
    fn send<'a>(
        &'a self,
        call: &'a Call<'_>,
        notification: &Notification,
        device: &Device,
        (common, bytes): (Common, usize),
    ) -> impl Future<Output = Fate> + Send + use<'a> {
        let Some(app) = self.settings.apps.find(&device.app_id) else {
            return Either::Left(ready(self.unknown(device)));
        };
        match draft(notification, device, app, common, call.share.in_flight(bytes)) {
            Ok(draft) => {
                let draft = Draft { parent: call.span.clone(), ..draft };
                let submitted = call.desk.submit(&call.caller, draft, call.arrival(None));
                Either::Right(submitted.map(fate))
            }
            Err(fate) => Either::Left(ready(fate)),
        }
    }

    fn unknown(&self, device: &Device) -> Fate {
        // Whoever calls chose it, so no more is shown than a name may have.
        let app_id = device.app_id.chars().filter(char::is_ascii_graphic).take(64).collect::<String>();
        tracing::warn!(app_id, "a homeserver asks for an app_id that [http.matrix.apps] does not name");
        match self.settings.unknown_app {
            UnknownApp::Retry => Fate::UnknownApp,
            UnknownApp::Reject => Fate::Rejected,
        }
    }
}

fn fate(settled: Result<Settled, NoRoom>) -> Fate {
    settled.map_or(Fate::Overloaded, |settled| Fate::of(&settled.result))
}

/// One answer for all devices. Those that were served are known again when the homeserver repeats the request, so a repeat sends
/// to the others alone. It may go on for a day where somebody has to mend the configuration, which is longer than they are
/// known, so that alone is no reason to repeat what was served to anybody.
fn told(devices: Vec<Device>, fates: &[Fate]) -> Told {
    let any = |wanted: Fate| fates.contains(&wanted);
    if any(Fate::Later) {
        return Told::again(StatusCode::BAD_GATEWAY, "the push service cannot take the push now");
    }
    if any(Fate::Overloaded) {
        return Told::again(StatusCode::SERVICE_UNAVAILABLE, "the gateway cannot take the push now");
    }
    if fates.iter().all(|fate| matches!(fate, Fate::Misconfigured | Fate::UnknownApp)) {
        return Told::again(StatusCode::BAD_GATEWAY, "the gateway is not configured for this push");
    }
    let rejected = devices.into_iter().zip(fates).filter(|(_, fate)| **fate == Fate::Rejected);
    Told::Served(rejected.map(|(device, _)| device.pushkey).collect())
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

    fn served(pushkeys: &[&str]) -> Told {
        Told::Served(pushkeys.iter().map(ToString::to_string).collect())
    }

    fn status(told: &Told) -> u16 {
        match told {
            Told::Served(_) => 200,
            Told::Error(status, ..) => status.as_u16(),
        }
    }

    #[test]
    fn one_bad_device_does_not_spoil_the_rest() {
        let (good, dead, given_up) = (Fate::Served, Fate::Rejected, Fate::GivenUp);
        let (later, full) = (Fate::Later, Fate::Overloaded);
        let (wrong, unknown) = (Fate::Misconfigured, Fate::UnknownApp);
        let told = |fates: &[Fate]| told(devices(fates.len()), fates);
        assert_eq!(told(&[good]), served(&[]));
        assert_eq!(told(&[given_up, Fate::NothingToSay]), served(&[]));
        assert_eq!(told(&[dead, good, dead]), served(&["key-0", "key-2"]));
        // Whoever was served is not sent to again for as long as somebody mends the configuration.
        assert_eq!(told(&[good, wrong, dead]), served(&["key-2"]));
        assert_eq!(status(&told(&[wrong, unknown])), 502);
        assert_eq!(status(&told(&[good, later, full])), 502);
        assert_eq!(status(&told(&[dead, full, wrong])), 503);
    }
}
