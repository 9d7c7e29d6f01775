//! Makes an item of one line of the input, which is a whole push, or a device that gets the content of the flags.

use anyhow::{Context, anyhow, ensure};
use prost::Message;

use super::device::{Device, Devices};
use super::identity::{LineIdentities, LineIdentity, LineKey};
use super::verdict::LineVerdict;
use crate::cli::json::Schema;
use crate::proto;
use crate::push::PushId;

/// The longest line that is parsed, in bytes.
pub(super) const MAX_LINE_BYTES: usize = 1024 * 1024;

/// About the longest detail of a line that is no push: the last character may begin before this byte and end behind it.
const MAX_DETAIL_BYTES: usize = 1000;

/// One line of the input that is to be sent.
pub(super) struct Item {
    pub(super) line: u64,
    pub(super) id: String,
    /// How many lines with the same id come before it.
    pub(super) occurrence: u32,
    pub(super) kind: ItemKind,
    /// The length of the line, which is roughly what the item weighs in memory and on the wire.
    pub(super) bytes: usize,
    pub(super) repeatable: bool,
    pub(super) dry_run: bool,
    /// How often the gateway handed it back without an attempt.
    pub(super) handed_back: u32,
    /// Whether it was sent before, in this run or an earlier one, and may have been delivered.
    pub(super) in_doubt: bool,
}

/// What the line holds.
pub(super) enum ItemKind {
    /// A whole push.
    Push(Box<proto::Push>),
    /// A target that gets the content of the flags, as one addressee of a multicast.
    Target(Box<proto::Target>),
}

impl Item {
    pub(super) fn key(&self) -> LineKey {
        LineKey::of(&self.id, self.occurrence)
    }

    /// The verdict of a push whose gateway was lost.
    pub(super) fn unconfirmed(&self, detail: &str) -> LineVerdict {
        LineVerdict::unconfirmed(self.line, self.id.clone(), self.occurrence, detail)
    }
}

/// Turns lines into items.
pub(super) struct LineReader {
    pub(super) schema: Schema,
    /// Reads devices, if the flags hold the content. Otherwise each line is a whole push.
    pub(super) devices: Option<Devices>,
    pub(super) repeatable: bool,
    pub(super) dry_run: bool,
    pub(super) once: bool,
    pub(super) lines: LineIdentities,
}

impl LineReader {
    /// Reads one line. Returns `None` if it is blank.
    pub(super) fn line(&mut self, line: u64, bytes: &[u8]) -> Option<Result<Item, LineVerdict>> {
        let bytes = bytes.trim_ascii();
        if bytes.is_empty() {
            return None;
        }
        let read = std::str::from_utf8(bytes).context("the line is not UTF-8").and_then(|text| {
            match &self.devices {
                Some(devices) => {
                    let device = devices.line(text)?;
                    check_id(&device.id)?;
                    Ok(Ok(device))
                }
                None => {
                    let push = self.push_of(text).context("the line is no push")?;
                    check_id(&push.id)?;
                    Ok(Err(push))
                }
            }
        });
        Some(match read {
            Ok(Ok(device)) => Ok(self.device(line, device, bytes.len())),
            Ok(Err(push)) => Ok(self.push(line, push, bytes.len())),
            Err(error) => Err(self.bad(line, bytes, proto::Reason::FieldInvalid, &format!("{error:#}"))),
        })
    }

    fn push_of(&self, text: &str) -> anyhow::Result<proto::Push> {
        ensure!(
            text.starts_with('{'),
            "expected a JSON object, found something else; with the content in flags such as --title, each line is a device"
        );
        // The parser knows but this line, and calls it the first.
        let push = self.schema.push(text);
        push.map_err(|error| anyhow!("{}", format!("{error:#}").replace(" at line 1 column ", " at byte ")))
    }

    /// The verdict of a line that is too long. Only its beginning was kept.
    pub(super) fn too_long(&mut self, line: u64, beginning: &[u8]) -> LineVerdict {
        let detail = format!("expected at most {MAX_LINE_BYTES} bytes in a line, found more");
        self.bad(line, beginning, proto::Reason::FieldTooLarge, &detail)
    }

    /// The verdict of a line that is no push.
    pub(super) fn bad(
        &mut self,
        line: u64,
        bytes: &[u8],
        reason: proto::Reason,
        detail: &str,
    ) -> LineVerdict {
        let LineIdentity { id, occurrence } = self.lines.next(String::new(), bytes);
        LineVerdict::bad_line(line, id, occurrence, reason, shown(detail))
    }

    /// Makes the item of a device that gets the content of the flags.
    pub(super) fn device(&mut self, line: u64, device: Device, bytes: usize) -> Item {
        let Device { id, target } = device;
        let identity = self.lines.next(id, &target.encode_to_vec());
        let kind = ItemKind::Target(Box::new(target));
        self.item(line, identity, kind, bytes, &proto::Options::default())
    }

    fn push(&mut self, line: u64, mut push: proto::Push, bytes: usize) -> Item {
        let own = std::mem::take(&mut push.id);
        // The digest is of the message and not of the JSON, so that another spelling of the same push is the same line.
        let identity = self.lines.next(own, &push.encode_to_vec());
        push.id.clone_from(&identity.id);
        if self.repeatable || self.dry_run || self.once {
            let options = push.options.get_or_insert_default();
            options.repeatable |= self.repeatable;
            options.dry_run |= self.dry_run;
            options.once |= self.once;
        }
        let options = push.options.clone().unwrap_or_default();
        self.item(line, identity, ItemKind::Push(Box::new(push)), bytes, &options)
    }

    fn item(
        &self,
        line: u64,
        LineIdentity { id, occurrence }: LineIdentity,
        kind: ItemKind,
        bytes: usize,
        options: &proto::Options,
    ) -> Item {
        Item {
            line,
            id,
            occurrence,
            kind,
            bytes,
            repeatable: self.repeatable || options.repeatable,
            dry_run: self.dry_run || options.dry_run,
            handed_back: 0,
            in_doubt: false,
        }
    }
}

/// Makes an error fit to be shown. It may repeat a part of the line, which may be long and may hold control characters that
/// a terminal would obey.
fn shown(detail: &str) -> String {
    let mut shown = String::with_capacity(detail.len().min(MAX_DETAIL_BYTES));
    for character in detail.chars() {
        if shown.len() >= MAX_DETAIL_BYTES {
            return shown + "…";
        }
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Checks the length of an id. A gateway cuts a longer one in its result, which then names no line.
///
/// # Errors
/// Fails if the id is too long.
pub(super) fn check_id(id: &str) -> anyhow::Result<()> {
    let (most, found) = (PushId::MAX_BYTES, id.len());
    ensure!(found <= most, "id: expected at most {most} bytes, found {found}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::super::device::DeviceService;
    use super::super::identity::SharedContent;
    use super::*;
    use crate::cli::content::{ContentArgs, DeviceArgs};

    fn reading(tokens: bool) -> LineReader {
        let command = |it: clap::Command| it.no_binary_name(true);
        let content = ContentArgs::augment_args(command(clap::Command::new("batch")));
        let content = ContentArgs::from_arg_matches(&content.get_matches_from([""; 0])).unwrap();
        let apns = DeviceArgs::augment_args(command(clap::Command::new("batch")));
        let apns = DeviceArgs::from_arg_matches(&apns.get_matches_from([""; 0])).unwrap();
        LineReader {
            schema: Schema::load().unwrap(),
            devices: tokens.then_some(Devices { service: DeviceService::Apns, apns }),
            repeatable: false,
            dry_run: false,
            once: false,
            lines: LineIdentities::new(SharedContent::new("shop", &content, None)),
        }
    }

    #[test]
    fn a_push_is_the_same_in_another_spelling_of_its_json() {
        let id = |text: &str| reading(false).line(1, text.as_bytes()).unwrap().ok().unwrap().id;
        let spelled = r#"{"app":"a","content":{"data":{"k":"v","l":"w"}}}"#;
        let other = r#" { "content": {"data": {"l": "w", "k": "v"}}, "app": "a" } "#;
        assert_eq!(id(spelled), id(other));
        assert_ne!(id(spelled), id(&spelled.replace("\"w\"", "\"x\"")));
    }

    #[test]
    fn a_line_may_be_a_push_to_a_browser() {
        let line = |p256dh: &str, auth: &str| {
            let target = format!(
                r#"{{"webPush":{{"endpoint":"https://push.example/%2F","p256dh":"{p256dh}","auth":"{auth}"}}}}"#
            );
            format!(r#"{{"app":"web","target":{target},"content":{{"notification":{{"title":"Hello"}}}}}}"#)
        };
        // The keys may be in base64url without padding, as browsers write them, and in base64, as ProtoJSON writes them.
        for (p256dh, auth) in [("BP_-", "-_8"), ("BP/+", "+/8=")] {
            let text = line(p256dh, auth);
            let Some(Ok(item)) = reading(false).line(1, text.as_bytes()) else { panic!("{text}") };
            let ItemKind::Push(push) = item.kind else { panic!("{text} is no push") };
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
        let mut pushes = reading(false);
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
        let mut tokens = reading(true);
        assert!(matches!(tokens.line(1, b"{\"apns\":\"\"}"), Some(Err(_))));
        assert!(matches!(tokens.line(1, b"{\"app\":\"shop\"}"), Some(Err(_))));
    }
}
