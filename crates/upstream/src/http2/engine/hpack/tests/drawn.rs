//! Drawn fields and blocks.

use proptest::prelude::*;

use crate::fields::{Field, Indexing};
use crate::http2::engine::hpack::{huffman, integer};

/// A field that owns its text.
#[derive(Debug, Clone)]
pub(super) struct OwnedField {
    pub(super) name: Vec<u8>,
    pub(super) value: Vec<u8>,
    pub(super) indexing: Indexing,
}

impl OwnedField {
    pub(super) fn borrow(&self) -> Field<'_> {
        Field { name: &self.name, value: &self.value, indexing: self.indexing }
    }
}

/// What happens to an encoder.
#[derive(Debug, Clone)]
pub(super) enum Step {
    TableSize(u32),
    Block(Vec<OwnedField>),
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let block = prop::collection::vec(field(), 1..14).prop_map(Step::Block);
    prop::collection::vec(prop_oneof![1 => table_size().prop_map(Step::TableSize), 4 => block], 1..14)
}

fn table_size() -> impl Strategy<Value = u32> {
    prop_oneof![0_u32..600, 0_u32..5000, Just(4096), any::<u32>()]
}

fn field() -> impl Strategy<Value = OwnedField> {
    let indexing =
        prop_oneof![4 => Just(Indexing::Repeats), 2 => Just(Indexing::Varies), 1 => Just(Indexing::Secret)];
    (name(), value(), indexing).prop_map(|(name, value, indexing)| OwnedField { name, value, indexing })
}

/// A name, which most often is one of few.
pub(super) fn name() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        ":method",
        ":path",
        ":authority",
        ":status",
        "content-length",
        "authorization",
        "apns-id",
        "apns-topic",
        "apns-priority",
        "topic",
        "x",
    ]);
    prop_oneof![6 => known.prop_map(|name| name.as_bytes().to_vec()), 1 => text(0..40)]
}

/// A value, which most often is one of few.
pub(super) fn value() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "GET",
        "POST",
        "/",
        "200",
        "com.example.app",
        "com.example.apq",
        "10",
        "5",
        "",
    ]);
    prop_oneof![
        8 => known.prop_map(|value| value.as_bytes().to_vec()),
        4 => text(0..80),
        2 => text(0..600),
        1 => (0_usize..5000).prop_map(|len| vec![b'v'; len]),
    ]
}

/// Text of letters and digits, or any bytes.
fn text(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    let letters = prop::sample::select(b"abcdefghijklmnopqrstuvwxyz0123456789-./:ABCXYZ{~".to_vec());
    prop_oneof![
        2 => prop::collection::vec(letters, len.clone()),
        1 => prop::collection::vec(any::<u8>(), len),
    ]
}

/// A header block as a peer may write it, in all forms that RFC 7541 has, most often one that is valid.
pub(super) fn block() -> impl Strategy<Value = Vec<u8>> {
    let sizes = prop::collection::vec(prop_oneof![0_usize..300, 0_usize..4100], 0..3).prop_map(|sizes| {
        let mut out = Vec::new();
        sizes.iter().for_each(|&size| integer::encode(size, 5, 0x20, &mut out));
        out
    });
    let parts = prop::collection::vec(part(), 0..12).prop_map(|parts| parts.concat());
    // The other decoder wants a field behind a change of the size, and so a static one ends each block.
    (prop_oneof![8 => Just(Vec::new()), 1 => sizes], parts)
        .prop_map(|(sizes, parts)| [sizes, parts, vec![0x82]].concat())
}

fn part() -> impl Strategy<Value = Vec<u8>> {
    let indexed = prop_oneof![40 => index(), 1 => Just(0)].prop_map(|index| {
        let mut out = Vec::new();
        integer::encode(index, 7, 0x80, &mut out);
        out
    });
    let form = prop::sample::select(vec![(0x40, 6), (0x00, 4), (0x10, 4)]);
    let written_name = string(name());
    let with_index = (form.clone(), index(), string(value())).prop_map(|((first, prefix), index, value)| {
        let mut out = Vec::new();
        integer::encode(index, prefix, first, &mut out);
        [out, value].concat()
    });
    let written = (form, written_name, string(value()))
        .prop_map(|((first, _), name, value)| [vec![first], name, value].concat());
    prop_oneof![2 => indexed, 2 => with_index, 3 => written]
}

/// An index that most often has an entry. It is not 0, by which a literal has its name written out.
fn index() -> impl Strategy<Value = usize> {
    prop_oneof![60 => 1_usize..62, 20 => 62_usize..66, 1 => 62_usize..140]
}

/// A string in either form.
fn string(text: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    (text, any::<bool>()).prop_map(|(text, is_huffman)| {
        let mut out = Vec::new();
        if is_huffman {
            integer::encode(huffman::coded_len(&text), 7, 0x80, &mut out);
            huffman::encode(&text, &mut out);
        } else {
            integer::encode(text.len(), 7, 0, &mut out);
            out.extend(text);
        }
        out
    })
}
