//! HPACK: how HTTP/2 writes header fields, as RFC 7541 defines it.
//!
//! Either side of a connection keeps a table of fields that it wrote, which the other side's decoder keeps too, and
//! refers to them from then on. A push therefore sends its authority, topic and priority as one byte each.
//!
//! | file | what it knows |
//! |---|---|
//! | `decoder.rs`, `encoder.rs` | the forms of a field |
//! | `guesses.rs`, `secrets.rs` | where the encoder finds a field again, and how it sends a token again |
//! | `table.rs`, `static_table.rs` | what an index means |
//! | `text.rs`, `huffman.rs`, `huffman_code.rs` | strings |
//! | `integer.rs` | numbers |
//!
//! Both tables have at most 4,096 bytes, and a block is decoded in time that its length bounds.

mod decoder;
mod encoder;
pub(crate) mod error;
mod guesses;
mod huffman;
mod huffman_code;
mod integer;
mod secrets;
mod static_table;
mod table;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use decoder::Decoder;
pub(crate) use encoder::Encoder;
