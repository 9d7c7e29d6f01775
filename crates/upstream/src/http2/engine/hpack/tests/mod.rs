mod differential;
mod drawn;
mod huffman;
mod properties;
mod pushes;
mod table;
mod vectors;

use super::error::CompressionError;
use super::table::Table;
use super::{Decoder, Encoder};
use crate::fields::{Field, Indexing};

/// Names and values in their order.
type List = Vec<(Vec<u8>, Vec<u8>)>;

fn list(fields: &[(&str, &str)]) -> List {
    fields.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap());
    pairs.collect()
}

fn decode(decoder: &mut Decoder, block: &[u8]) -> Result<List, CompressionError> {
    let mut list = List::new();
    decoder.decode(block, |name, value| list.push((name.to_vec(), value.to_vec())))?;
    Ok(list)
}

fn encode(encoder: &mut Encoder, fields: &[(&str, &str, Indexing)]) -> Vec<u8> {
    let mut out = Vec::new();
    let fields = fields.iter().map(|&(name, value, indexing)| Field {
        name: name.as_bytes(),
        value: value.as_bytes(),
        indexing,
    });
    encoder.encode(fields, &mut out);
    out
}

/// What was added to a table, from the newest.
fn added(table: &Table) -> List {
    let entries = (62..).map_while(|index| table.get(index));
    entries.map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
}
