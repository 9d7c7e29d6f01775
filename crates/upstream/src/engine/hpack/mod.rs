//! HPACK: how HTTP/2 writes header fields, as RFC 7541 defines it.
//!
//! Either side of a connection keeps a table of fields that it wrote, which the other side's decoder keeps too, and
//! refers to them from then on. A push therefore sends its authority, topic and priority as one byte each.
//!
//! ```text
//! encoder.rs ──► guesses.rs    where a field like this one was found last
//!     │     ──► secrets.rs     the Huffman code of the last secrets
//!     ▼
//! decoder.rs ──► table.rs ──► static_table.rs    what an index means
//!     both   ──► text.rs  ──► huffman.rs         strings
//!                   └───────► integer.rs         numbers, also of indices
//! ```
//!
//! Both tables have at most 4,096 bytes, and a block is decoded in time that its length bounds.

#![cfg_attr(not(test), expect(dead_code, unused_imports, reason = "the engine will use it"))]

mod decoder;
mod encoder;
mod error;
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
pub(crate) use error::CompressionError;
