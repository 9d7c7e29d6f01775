//! Reads a list of devices from a CSV file whose first record names the columns.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use anyhow::{Context, bail, ensure};

use super::device::{Device, DeviceService, Devices};
use super::item::MAX_LINE_BYTES;
use crate::cli::subscription::{Keys, Subscription};

/// The names of all columns that are read.
const READ: [&str; 11] = [
    "id",
    "token",
    "device_token",
    "apns",
    "registration_token",
    "fcm",
    "device_id",
    "mattermost",
    "endpoint",
    "p256dh",
    "auth",
];

/// Where the columns that are read stand. Other columns are ignored. Upper and lower case are the same in their names.
pub(super) struct Columns {
    target: TargetColumns,
    id: Option<usize>,
}

/// Where a record says which device it is for.
enum TargetColumns {
    Token(usize),
    Subscription { endpoint: usize, p256dh: usize, auth: usize },
}

impl Columns {
    /// Finds the columns of a service by their names.
    ///
    /// # Errors
    /// Fails if one is missing, with the names that there are; and if one is there twice.
    pub(super) fn find(header: &csv::StringRecord, service: DeviceService) -> anyhow::Result<Self> {
        let is_named = |column: &str, name: &str| column.trim().eq_ignore_ascii_case(name);
        for name in READ {
            let times = header.iter().filter(|column| is_named(column, name)).count();
            ensure!(
                times <= 1,
                "the first record names the columns: expected {name:?} once, found it {times} times"
            );
        }
        let position = |name: &str| header.iter().position(|column| is_named(column, name));
        let required = |names: &[&str]| {
            let found = names.iter().find_map(|name| position(name));
            found.with_context(|| {
                let found: Vec<_> = header.iter().map(|column| format!("{column:?}")).collect();
                let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
                let names = names.join(" or ");
                format!("the first record names the columns, between commas: expected {names}, found {found}")
            })
        };
        let target = match service {
            DeviceService::Apns => TargetColumns::Token(required(&["token", "device_token", "apns"])?),
            DeviceService::Fcm => TargetColumns::Token(required(&["token", "registration_token", "fcm"])?),
            DeviceService::Mattermost => {
                TargetColumns::Token(required(&["device_id", "token", "mattermost"])?)
            }
            DeviceService::WebPush => TargetColumns::Subscription {
                endpoint: required(&["endpoint"])?,
                p256dh: required(&["p256dh"])?,
                auth: required(&["auth"])?,
            },
        };
        Ok(Self { target, id: position("id") })
    }

    /// Reads the device of a record.
    pub(super) fn device(&self, record: &csv::StringRecord, devices: &Devices) -> anyhow::Result<Device> {
        let field = |at: usize| record.get(at).map(str::trim);
        let id = self.id.and_then(field).unwrap_or_default().to_owned();
        match self.target {
            TargetColumns::Token(at) => match field(at) {
                Some(token) => devices.bare(token, id),
                None => bail!("the record has {} fields, and none for the token", record.len()),
            },
            TargetColumns::Subscription { endpoint, p256dh, auth } => {
                match (field(endpoint), field(p256dh), field(auth)) {
                    (Some(endpoint), Some(p256dh), Some(auth)) => {
                        let keys = Keys { p256dh: p256dh.to_owned(), auth: auth.to_owned() };
                        devices.browser(Subscription { endpoint: endpoint.to_owned(), keys }, id)
                    }
                    _ => bail!("the record has {} fields, and not all of a subscription", record.len()),
                }
            }
        }
    }
}

/// A reader that bounds each record, because a quote that is never closed makes one record of all that follows.
pub(super) struct BoundedRecords<R> {
    pub(super) text: R,
    /// How many bytes the present record may still have.
    pub(super) left: Rc<Cell<usize>>,
}

impl<R: Read> Read for BoundedRecords<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            let why = format!("a record has more than {MAX_LINE_BYTES} bytes; a quote may not be closed");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let most = buffer.len().min(self.left.get());
        let read = self.text.read(&mut buffer[..most])?;
        self.left.set(self.left.get() - read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;
    use crate::cli::content::DeviceArgs;

    fn record(fields: &[&str]) -> csv::StringRecord {
        csv::StringRecord::from(fields.to_vec())
    }

    fn devices(service: DeviceService) -> Devices {
        let flags = DeviceArgs::augment_args(clap::Command::new("batch").no_binary_name(true));
        Devices { service, apns: DeviceArgs::from_arg_matches(&flags.get_matches_from([""; 0])).unwrap() }
    }

    #[test]
    fn columns_are_found_by_name_in_any_order_and_others_say_nothing() {
        let list = devices(DeviceService::Fcm);
        let columns = Columns::find(&record(&["user", "ID", " Token "]), DeviceService::Fcm).unwrap();
        let device = columns.device(&record(&["17", "a", " t:1 "]), &list).unwrap();
        assert_eq!(
            (device.id.as_str(), device.target.fcm.unwrap().registration_token.as_str()),
            ("a", "t:1")
        );
        assert!(columns.device(&record(&["17"]), &list).is_err());
        assert!(columns.device(&record(&["17", "a", ""]), &list).is_err());
    }

    #[test]
    fn a_missing_column_is_named_with_those_that_there_are() {
        let error = Columns::find(&record(&["user", "name"]), DeviceService::Apns).err().unwrap().to_string();
        assert!(
            error.contains("expected token or device_token or apns, found \"user\", \"name\""),
            "{error}"
        );
        assert!(Columns::find(&record(&["endpoint", "auth"]), DeviceService::WebPush).is_err());
        let twice =
            Columns::find(&record(&["token", "Token"]), DeviceService::Apns).err().unwrap().to_string();
        assert!(twice.contains("expected \"token\" once, found it 2 times"), "{twice}");
    }

    #[test]
    fn a_record_without_an_end_is_bounded() {
        let left = Rc::new(Cell::new(10));
        let mut bounded = BoundedRecords { text: &b"x".repeat(100)[..], left };
        let mut read = Vec::new();
        let error = bounded.read_to_end(&mut read).unwrap_err();
        assert_eq!((read.len(), error.kind()), (10, io::ErrorKind::InvalidData));
    }
}
