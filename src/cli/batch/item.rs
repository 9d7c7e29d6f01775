//! One line of the input: a push of its own, or a device that gets the content of the flags.

use anyhow::{Context, ensure};
use serde::Deserialize;
use uuid::Uuid;

use super::results::Verdict;
use crate::cli::content::{ContentArgs, DeviceArgs};
use crate::cli::json::Schema;
use crate::proto;

/// The longest line, in bytes.
pub(super) const MAX_LINE_BYTES: usize = 1024 * 1024;

/// The namespace of made ids, itself made once at random.
const IDS: Uuid = Uuid::from_u128(0x8f9c_2a61_04d3_4c0e_9be7_53a1_77d0_12f6);

/// One line that is to be sent.
pub(super) struct Item {
    pub(super) line: u64,
    pub(super) id: String,
    pub(super) what: What,
    /// Bytes of its line: what it weighs in memory and on the wire, roughly.
    pub(super) bytes: usize,
    pub(super) repeatable: bool,
    pub(super) dry_run: bool,
    /// Times that the gateway handed it back without an attempt.
    pub(super) handed_back: u32,
    /// It was written before, to a gateway that was lost, and may be repeated.
    pub(super) in_doubt: bool,
}

pub(super) enum What {
    Push(Box<proto::Push>),
    Target(Box<proto::Target>),
}

/// How lines become items.
pub(super) struct Reading {
    schema: Schema,
    /// The content of the flags. None: each line is a whole push.
    device: Option<DeviceArgs>,
    repeatable: bool,
    dry_run: bool,
    ids: Uuid,
}

/// A line of a device that has an id of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Device {
    apns: String,
    #[serde(default)]
    id: String,
}

impl Reading {
    pub(super) fn new(
        schema: Schema,
        app: &str,
        content: &ContentArgs,
        device: Option<DeviceArgs>,
        repeatable: bool,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            schema,
            ids: Uuid::new_v5(&IDS, &seed(app, content, device.as_ref())?),
            device,
            repeatable,
            dry_run: content.dry_run,
        })
    }

    /// None: the line is blank.
    pub(super) fn line(&self, line: u64, bytes: &[u8]) -> Option<Result<Item, Verdict>> {
        let bytes = bytes.trim_ascii();
        if bytes.is_empty() {
            return None;
        }
        Some(self.item(line, bytes).map_err(|error| {
            Verdict::bad_line(
                line,
                self.made_id(line, bytes),
                proto::Reason::FieldInvalid,
                format!("{error:#}"),
            )
        }))
    }

    /// A line that is not looked at further than its bound.
    pub(super) fn too_long(&self, line: u64, beginning: &[u8]) -> Verdict {
        let detail = format!("expected at most {MAX_LINE_BYTES} bytes in a line, found more");
        Verdict::bad_line(line, self.made_id(line, beginning), proto::Reason::FieldTooLarge, detail)
    }

    fn item(&self, line: u64, bytes: &[u8]) -> anyhow::Result<Item> {
        let text = std::str::from_utf8(bytes).context("the line is not UTF-8")?;
        let (id, what, options) = match &self.device {
            Some(device) => {
                let Device { apns, id } = if text.starts_with('{') {
                    serde_json::from_str(text).context("the line is no device")?
                } else {
                    Device { apns: text.to_owned(), id: String::new() }
                };
                ensure!(!apns.is_empty(), "the line has no device token");
                (id, What::Target(Box::new(device.target(apns))), proto::Options::default())
            }
            None => {
                let mut push = self.schema.push(text).context("the line is no push")?;
                if self.repeatable || self.dry_run {
                    let options = push.options.get_or_insert_default();
                    options.repeatable |= self.repeatable;
                    options.dry_run |= self.dry_run;
                }
                let options = push.options.clone().unwrap_or_default();
                (push.id.clone(), What::Push(Box::new(push)), options)
            }
        };
        let mut item = Item {
            line,
            id,
            what,
            bytes: bytes.len(),
            repeatable: self.repeatable || options.repeatable,
            dry_run: self.dry_run || options.dry_run,
            handed_back: 0,
            in_doubt: false,
        };
        if item.id.is_empty() {
            item.id = self.made_id(line, bytes);
            if let What::Push(push) = &mut item.what {
                push.id.clone_from(&item.id);
            }
        }
        Ok(item)
    }

    /// The same line of the same run has the same id when it is run again.
    fn made_id(&self, line: u64, bytes: &[u8]) -> String {
        let mut name = line.to_be_bytes().to_vec();
        name.extend_from_slice(bytes);
        Uuid::new_v5(&self.ids, &name).to_string()
    }
}

/// What the flags add to each line. `--repeatable` is left out, so that a run with it resumes one without.
fn seed(app: &str, content: &ContentArgs, device: Option<&DeviceArgs>) -> anyhow::Result<Vec<u8>> {
    use prost::Message;
    let mut said = content.content();
    // A map has no order of its own.
    let mut data: Vec<_> = std::mem::take(&mut said.data).into_iter().collect();
    data.sort_unstable();
    let target = device.map(|device| device.target(String::new()).encode_to_vec());
    Ok(serde_json::to_vec(&(app, said.encode_to_vec(), data, content.options()?.encode_to_vec(), target))?)
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;

    fn reading(flags: &[&str], tokens: bool) -> Reading {
        let matches = ContentArgs::augment_args(clap::Command::new("batch").no_binary_name(true))
            .get_matches_from(flags);
        let content = ContentArgs::from_arg_matches(&matches).unwrap();
        let device = DeviceArgs::augment_args(clap::Command::new("batch").no_binary_name(true))
            .get_matches_from([""; 0]);
        let device = tokens.then(|| DeviceArgs::from_arg_matches(&device).unwrap());
        Reading::new(Schema::load().unwrap(), "shop", &content, device, false).unwrap()
    }

    fn id(reading: &Reading, line: u64, text: &str) -> String {
        match reading.line(line, text.as_bytes()).unwrap() {
            Ok(item) => item.id,
            Err(bad) => bad.result.id,
        }
    }

    #[test]
    fn made_ids_are_stable_and_differ_by_line_content_and_flags() {
        let hello = reading(&["--title=Hello", "--data=a=1", "--data=b=2"], true);
        let first = id(&hello, 1, "ab12");
        assert_eq!(first, id(&reading(&["--title=Hello", "--data=b=2", "--data=a=1"], true), 1, " ab12\r\n"));
        let others = [
            id(&hello, 2, "ab12"),
            id(&hello, 1, "ab13"),
            id(&reading(&["--title=Hullo", "--data=a=1", "--data=b=2"], true), 1, "ab12"),
            id(&reading(&["--title=Hello", "--data=a=1", "--data=b=2", "--dry-run"], true), 1, "ab12"),
        ];
        assert!(others.iter().all(|other| *other != first));
        assert_eq!(id(&hello, 1, r#"{"apns":"ab12","id":"mine"}"#), "mine");
    }

    #[test]
    fn a_line_may_be_a_push_to_a_browser() {
        let line = |p256dh: &str, auth: &str| {
            let target = format!(
                r#"{{"webPush":{{"endpoint":"https://push.example/%2F","p256dh":"{p256dh}","auth":"{auth}"}}}}"#
            );
            format!(r#"{{"app":"web","target":{target},"content":{{"notification":{{"title":"Hello"}}}}}}"#)
        };
        // As browsers write keys, and as ProtoJSON does.
        for (p256dh, auth) in [("BP_-", "-_8"), ("BP/+", "+/8=")] {
            let text = line(p256dh, auth);
            let Some(Ok(item)) = reading(&[], false).line(1, text.as_bytes()) else { panic!("{text}") };
            let What::Push(push) = item.what else { panic!("{text} is no push") };
            let expected = proto::WebPushSubscription {
                endpoint: "https://push.example/%2F".to_owned(),
                p256dh: vec![0x04, 0xff, 0xfe],
                auth: vec![0xfb, 0xff],
            };
            assert_eq!(push.target.unwrap().web_push.as_deref(), Some(&expected));
        }
    }

    #[test]
    fn bad_lines_say_why_and_blank_ones_nothing() {
        let pushes = reading(&[], false);
        assert!(pushes.line(1, b" \t\r\n").is_none());
        for (line, why) in [
            (&b"{\"app\":"[..], "the line is no push"),
            (b"\xff\xfe", "not UTF-8"),
            (b"{\"nonsense\":1}", "nonsense"),
        ] {
            let Some(Err(bad)) = pushes.line(7, line) else { panic!("{line:?} was taken") };
            assert!(bad.result.detail.contains(why), "{}", bad.result.detail);
            assert_eq!((bad.line, bad.result.delivery()), (7, proto::Delivery::No));
        }
        let tokens = reading(&["--title=Hello"], true);
        assert!(matches!(tokens.line(1, b"{\"apns\":\"\"}"), Some(Err(_))));
        assert!(matches!(tokens.line(1, b"{\"app\":\"shop\"}"), Some(Err(_))));
    }
}
