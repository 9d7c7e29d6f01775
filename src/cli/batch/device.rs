//! Reads one device of a list, for any push service: from a bare token, a JSON object or a record of a CSV file.

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use serde::Deserialize;

use crate::cli::content::DeviceArgs;
use crate::cli::subscription::{self, Subscription};
use crate::proto;

/// The push service of bare tokens, and of the `token` column of a CSV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DeviceService {
    /// Lines are device tokens of APNs, in hexadecimal.
    Apns,
    /// Lines are registration tokens of FCM.
    Fcm,
    /// Lines are subscriptions of browsers, each a JSON object as PushSubscription.toJSON() gives it.
    WebPush,
    /// Lines are device ids of Mattermost, PLATFORM:TOKEN.
    Mattermost,
}

/// A device of the list as a target, and the id that the list gives it, which may be empty.
#[derive(Debug, PartialEq)]
pub(super) struct Device {
    pub(super) id: String,
    pub(super) target: proto::Target,
}

/// Turns the lines of a device list into targets.
pub(super) struct Devices {
    pub(super) service: DeviceService,
    pub(super) apns: DeviceArgs,
}

/// A line that is a JSON object, in which a device stands under the name of its push service.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DeviceObject {
    #[serde(default)]
    id: String,
    apns: Option<String>,
    fcm: Option<String>,
    mattermost: Option<String>,
    web_push: Option<Subscription>,
}

impl Devices {
    /// Reads a line that is not blank.
    pub(super) fn line(&self, text: &str) -> anyhow::Result<Device> {
        if !text.starts_with('{') {
            ensure!(
                self.service != DeviceService::WebPush,
                "expected a subscription as a JSON object, found something else"
            );
            return self.bare(text, String::new());
        }
        if self.service == DeviceService::WebPush
            && let Ok(subscription) = serde_json::from_str::<Subscription>(text)
        {
            return self.browser(subscription, subscription_id(text));
        }
        let DeviceObject { id, apns, fcm, mattermost, web_push } =
            serde_json::from_str(text).context("the line is no device")?;
        match (apns, fcm, mattermost, web_push) {
            (Some(token), None, None, None) => self.of(DeviceService::Apns, &token, id),
            (None, Some(token), None, None) => self.of(DeviceService::Fcm, &token, id),
            (None, None, Some(device), None) => self.of(DeviceService::Mattermost, &device, id),
            (None, None, None, Some(subscription)) => self.browser(subscription, id),
            (None, None, None, None) => {
                bail!("the line is no device: expected one of apns, fcm, mattermost and webPush, found none")
            }
            _ => bail!(
                "the line is no device: expected one of apns, fcm, mattermost and webPush, found several"
            ),
        }
    }

    /// Makes a device of a token that belongs to the list's push service.
    pub(super) fn bare(&self, token: &str, id: String) -> anyhow::Result<Device> {
        self.of(self.service, token, id)
    }

    /// Makes a device of a browser's subscription.
    pub(super) fn browser(&self, subscription: Subscription, id: String) -> anyhow::Result<Device> {
        let web_push = subscription::read(subscription)?;
        let target = proto::Target { web_push: Some(Box::new(web_push)), ..proto::Target::default() };
        Ok(Device { id, target })
    }

    fn of(&self, service: DeviceService, token: &str, id: String) -> anyhow::Result<Device> {
        ensure!(!token.is_empty(), "the line has no device token");
        let token = token.to_owned();
        let target = match service {
            DeviceService::Apns => self.apns.target(token),
            DeviceService::Fcm => {
                let fcm = proto::FcmTarget { registration_token: token, ..proto::FcmTarget::default() };
                proto::Target { fcm: Some(Box::new(fcm)), ..proto::Target::default() }
            }
            DeviceService::Mattermost => {
                let device =
                    proto::MattermostDevice { device_id: token, ..proto::MattermostDevice::default() };
                proto::Target { mattermost: Some(Box::new(device)), ..proto::Target::default() }
            }
            DeviceService::WebPush => bail!("expected a subscription, found a bare token"),
        };
        Ok(Device { id, target })
    }
}

/// Reads the member `id`, which an application may have added to the JSON of a subscription.
fn subscription_id(text: &str) -> String {
    #[derive(Deserialize)]
    struct Id {
        #[serde(default)]
        id: String,
    }
    serde_json::from_str(text).map_or(String::new(), |Id { id }| id)
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;

    fn devices(service: DeviceService) -> Devices {
        let flags = DeviceArgs::augment_args(clap::Command::new("batch").no_binary_name(true));
        let apns = DeviceArgs::from_arg_matches(&flags.get_matches_from([""; 0])).unwrap();
        Devices { service, apns }
    }

    const SUBSCRIPTION: &str = r#"{"endpoint":"https://push.example/1","expirationTime":null,"keys":{"p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4","auth":"BTBZMqHH6r4Tts7J_aSIgg"}}"#;

    #[test]
    fn a_bare_line_is_a_token_of_the_lists_service() {
        let target = |service, text| devices(service).line(text).unwrap().target;
        assert_eq!(target(DeviceService::Apns, "ab12").apns.unwrap().token, "ab12");
        assert_eq!(target(DeviceService::Fcm, "a:b").fcm.unwrap().registration_token, "a:b");
        assert_eq!(target(DeviceService::Mattermost, "apple:a:b").mattermost.unwrap().device_id, "apple:a:b");
        let endpoint = target(DeviceService::WebPush, SUBSCRIPTION).web_push.unwrap().endpoint;
        assert_eq!(endpoint, "https://push.example/1");
    }

    #[test]
    fn an_object_names_its_service_and_may_have_an_id() {
        let list = devices(DeviceService::Apns);
        for (text, id) in [
            (r#"{"apns":"ab12","id":"a"}"#.to_owned(), "a"),
            (r#"{"fcm":"t"}"#.to_owned(), ""),
            (r#"{"mattermost":"apple:t","id":"m"}"#.to_owned(), "m"),
            (format!(r#"{{"webPush":{SUBSCRIPTION},"id":"w"}}"#), "w"),
        ] {
            assert_eq!(list.line(&text).unwrap().id, id, "{text}");
        }
        let own = SUBSCRIPTION.replacen('{', r#"{"id":"browser-1","#, 1);
        assert_eq!(devices(DeviceService::WebPush).line(&own).unwrap().id, "browser-1");
    }

    #[test]
    fn what_is_no_device_is_said() {
        for (service, text, why) in [
            (DeviceService::Apns, r#"{"apns":""}"#, "no device token"),
            (DeviceService::Apns, r#"{"app":"shop"}"#, "unknown field `app`"),
            (DeviceService::Apns, r#"{"apns":"a","fcm":"b"}"#, "found several"),
            (DeviceService::Apns, r#"{"id":"a"}"#, "found none"),
            (DeviceService::WebPush, "ab12", "expected a subscription as a JSON object"),
            (DeviceService::WebPush, r#"{"endpoint":"https://push.example/"}"#, "unknown field `endpoint`"),
        ] {
            let error = format!("{:#}", devices(service).line(text).unwrap_err());
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
