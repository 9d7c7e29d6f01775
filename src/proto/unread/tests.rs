//! Messages are drawn, whole and damaged, and read by prost and here.

use bytes::BufMut;
use proptest::prelude::*;
use proptest::sample::Index;
use prost::encoding::encode_key;

use super::*;
use crate::proto::{ApnsDevice, BatchOptions, Content, Notification, Target};

/// What prost reads of a message, in the order in which items are numbered.
trait Eager: Message + Default + ItemFields + PartialEq + std::fmt::Debug {
    fn split(self) -> (Vec<Push>, Vec<Multicast>, Self);
}

impl Eager for SendBatchRequest {
    fn split(mut self) -> (Vec<Push>, Vec<Multicast>, Self) {
        (std::mem::take(&mut self.pushes), std::mem::take(&mut self.multicasts), self)
    }
}

impl Eager for SendPushesRequest {
    fn split(mut self) -> (Vec<Push>, Vec<Multicast>, Self) {
        (std::mem::take(&mut self.pushes), std::mem::take(&mut self.multicasts), self)
    }
}

/// Every item of a message, and how many could not be decoded.
fn read_all(mut items: UnreadItems) -> (Vec<Push>, Vec<Multicast>, usize) {
    let (mut pushes, mut multicasts, mut refused) = (Vec::new(), Vec::new(), 0);
    while let Some(item) = items.next() {
        match item {
            Item::Push(read) => {
                assert!(multicasts.is_empty(), "pushes come first");
                refused += usize::from(read.error.is_some());
                pushes.push(read.push);
            }
            Item::Multicast(mut read) => {
                refused += usize::from(read.error.is_some());
                let announced = read.addressees.len();
                for (addressee, error) in read.addressees {
                    refused += usize::from(error.is_some());
                    read.multicast.addressees.push(addressee);
                }
                assert_eq!(read.multicast.addressees.len(), announced);
                multicasts.push(read.multicast);
            }
        }
    }
    assert_eq!(items.len(), 0);
    (pushes, multicasts, refused)
}

/// Reads a message in both ways. Returns whether it was damaged.
fn compare<M: Eager>(bytes: &[u8]) -> bool {
    match (M::decode(bytes), Unread::<M>::of(Bytes::copy_from_slice(bytes))) {
        (Ok(eager), Ok(unread)) => {
            let (pushes, mut multicasts, message) = eager.split();
            multicasts.retain(|multicast| !multicast.addressees.is_empty());
            let addressees: usize = multicasts.iter().map(|it| it.addressees.len()).sum();
            assert_eq!(unread.items.len(), pushes.len() + addressees);
            assert_eq!(unread.message, message);
            assert_eq!(read_all(unread.items), (pushes, multicasts, 0));
            false
        }
        (Err(_), Err(_)) => true,
        (Err(why), Ok(unread)) => {
            let (_, _, refused) = read_all(unread.items);
            // A multicast without addressees has no items, so nobody is told what is wrong with it.
            assert!(refused > 0 || why.to_string().contains("multicasts"), "{why}");
            true
        }
        (Ok(_), Err(why)) => panic!("prost reads it: {why}"),
    }
}

fn push() -> impl Strategy<Value = Push> {
    ("\\PC{0,8}", "[a-f0-9]{0,8}", "\\PC{0,20}").prop_map(|(id, token, title)| Push {
        id,
        target: target(token),
        content: content(title),
        ..Push::default()
    })
}

fn multicast() -> impl Strategy<Value = Multicast> {
    ("\\PC{0,20}", proptest::collection::vec(("\\PC{0,8}", "[a-f0-9]{0,8}"), 0..4)).prop_map(
        |(title, addressees)| Multicast {
            content: content(title),
            addressees: addressees
                .into_iter()
                .map(|(id, token)| Addressee { id, target: target(token) })
                .collect(),
            labels: [("campaign".to_owned(), "autumn".to_owned())].into(),
            ..Multicast::default()
        },
    )
}

fn target(token: String) -> Option<Target> {
    let device = ApnsDevice { token, ..ApnsDevice::default() };
    Some(Target { apns: Some(device), ..Target::default() })
}

fn content(title: String) -> Option<Content> {
    let notification = Notification { title, ..Notification::default() };
    Some(Content { notification: Some(notification), ..Content::default() })
}

/// A field of a message, as it stands on the wire.
fn field() -> impl Strategy<Value = Vec<u8>> {
    let message = |request: SendBatchRequest| request.encode_to_vec();
    prop_oneof![
        4 => push().prop_map(move |it| message(SendBatchRequest { pushes: vec![it], ..Default::default() })),
        3 => multicast()
            .prop_map(move |it| message(SendBatchRequest { multicasts: vec![it], ..Default::default() })),
        1 => "[a-z]{0,8}".prop_map(move |app| {
            let options = BatchOptions { app, ..BatchOptions::default() };
            message(SendBatchRequest { options: Some(options), ..Default::default() })
        }),
        1 => (4..3000_u32, any::<u64>()).prop_map(|(number, value)| {
            let mut unknown = Vec::new();
            encode_key(number, WireType::Varint, &mut unknown);
            prost::encoding::encode_varint(value, &mut unknown);
            unknown
        }),
        1 => (4..3000_u32, proptest::collection::vec(any::<u8>(), 8)).prop_map(|(number, value)| {
            let mut group = Vec::new();
            encode_key(number, WireType::StartGroup, &mut group);
            encode_key(1, WireType::SixtyFourBit, &mut group);
            group.put_slice(&value);
            encode_key(number, WireType::EndGroup, &mut group);
            group
        }),
    ]
}

proptest! {
    #[test]
    fn items_are_those_that_prost_reads_whatever_their_order_on_the_wire(
        fields in proptest::collection::vec(field(), 0..12),
    ) {
        prop_assert!(!compare::<SendBatchRequest>(&fields.concat()));
    }

    #[test]
    fn a_damaged_message_is_refused_or_one_of_its_items_is(
        fields in proptest::collection::vec(field(), 1..6),
        edits in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<Index>()),
    ) {
        let mut bytes = fields.concat();
        for (at, byte) in edits {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        compare::<SendBatchRequest>(&bytes);
        // The same bytes are another message whose items have other numbers.
        compare::<SendPushesRequest>(&bytes);
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes: Vec<u8>) {
        compare::<SendBatchRequest>(&bytes);
    }
}

#[test]
fn a_damaged_item_is_refused_and_those_around_it_are_read() {
    let good = Push { id: "good".to_owned(), ..Push::default() };
    let request = SendBatchRequest {
        pushes: vec![good.clone(), Push { id: "bad".to_owned(), app: "??".to_owned(), ..good.clone() }, good],
        ..SendBatchRequest::default()
    };
    let mut bytes = request.encode_to_vec();
    let at = bytes.windows(2).position(|it| it == b"??").unwrap();
    bytes[at] = 0xff;
    let mut items = Unread::<SendBatchRequest>::of(bytes.into()).unwrap().items;
    let mut next = || match items.next() {
        Some(Item::Push(read)) => (read.push.id, read.error.map(|error| error.to_string())),
        other => panic!("{other:?}"),
    };
    assert_eq!(next(), ("good".to_owned(), None));
    let (id, error) = next();
    assert_eq!(id, "bad", "what was read before the damage is known");
    let error = error.unwrap();
    assert!(error.contains("Push.app") && error.contains("UTF-8"), "{error}");
    assert_eq!(next(), ("good".to_owned(), None));
}
