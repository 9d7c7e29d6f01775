//! A list of devices as a CSV file whose first record names the columns.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use anyhow::{Context, bail, ensure};

use super::device::{Device, Devices, Service};
use super::item::MAX_LINE_BYTES;
use crate::cli::subscription::{Keys, Subscription};

/// The names of columns that are read.
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

/// The columns that are read; others say nothing. Names are compared without regard to case.
pub(super) struct Columns {
    address: Address,
    id: Option<usize>,
}

/// Where a record says whom it is for.
enum Address {
    Token(usize),
    Subscription { endpoint: usize, p256dh: usize, auth: usize },
}

impl Columns {
    /// Finds the columns of a service by their names.
    ///
    /// # Errors
    /// Where one is missing: with the names that there are.
    pub(super) fn find(header: &csv::StringRecord, service: Service) -> anyhow::Result<Self> {
        let is_named = |it: &str, name: &str| it.trim().eq_ignore_ascii_case(name);
        for name in READ {
            let times = header.iter().filter(|it| is_named(it, name)).count();
            ensure!(
                times <= 1,
                "the first record names the columns: expected {name:?} once, found it {times} times"
            );
        }
        let position = |name: &str| header.iter().position(|it| is_named(it, name));
        let required = |names: &[&str]| {
            let found = names.iter().find_map(|name| position(name));
            found.with_context(|| {
                let found: Vec<_> = header.iter().map(|it| format!("{it:?}")).collect();
                format!(
                    "the first record names the columns: expected {}, found {}",
                    names.join(" or "),
                    found.join(", ")
                )
            })
        };
        let address = match service {
            Service::Apns => Address::Token(required(&["token", "device_token", "apns"])?),
            Service::Fcm => Address::Token(required(&["token", "registration_token", "fcm"])?),
            Service::Mattermost => Address::Token(required(&["device_id", "token", "mattermost"])?),
            Service::WebPush => Address::Subscription {
                endpoint: required(&["endpoint"])?,
                p256dh: required(&["p256dh"])?,
                auth: required(&["auth"])?,
            },
        };
        Ok(Self { address, id: position("id") })
    }

    /// The device of a record.
    pub(super) fn device(&self, record: &csv::StringRecord, devices: &Devices) -> anyhow::Result<Device> {
        let field = |at: usize| record.get(at).map(str::trim);
        let id = self.id.and_then(field).unwrap_or_default().to_owned();
        match self.address {
            Address::Token(at) => match field(at) {
                Some(token) => devices.bare(token, id),
                None => bail!("the record has {} fields, and none for the token", record.len()),
            },
            Address::Subscription { endpoint, p256dh, auth } => {
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

/// A quote that is never closed makes one record of all that follows.
pub(super) struct Bounded<R> {
    pub(super) text: R,
    /// Bytes that the present record may still have.
    pub(super) left: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
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

    fn devices(service: Service) -> Devices {
        let flags = DeviceArgs::augment_args(clap::Command::new("batch").no_binary_name(true));
        Devices { service, apns: DeviceArgs::from_arg_matches(&flags.get_matches_from([""; 0])).unwrap() }
    }

    #[test]
    fn columns_are_found_by_name_in_any_order_and_others_say_nothing() {
        let list = devices(Service::Fcm);
        let columns = Columns::find(&record(&["user", "ID", " Token "]), Service::Fcm).unwrap();
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
        let error = Columns::find(&record(&["user", "name"]), Service::Apns).err().unwrap().to_string();
        assert!(
            error.contains("expected token or device_token or apns, found \"user\", \"name\""),
            "{error}"
        );
        assert!(Columns::find(&record(&["endpoint", "auth"]), Service::WebPush).is_err());
        let twice = Columns::find(&record(&["token", "Token"]), Service::Apns).err().unwrap().to_string();
        assert!(twice.contains("expected \"token\" once, found it 2 times"), "{twice}");
    }

    #[test]
    fn a_record_without_an_end_is_bounded() {
        let left = Rc::new(Cell::new(10));
        let mut bounded = Bounded { text: &b"x".repeat(100)[..], left };
        let mut read = Vec::new();
        let error = bounded.read_to_end(&mut read).unwrap_err();
        assert_eq!((read.len(), error.kind()), (10, io::ErrorKind::InvalidData));
    }
}
