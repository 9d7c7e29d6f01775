//! Header blocks of the load and of the stand-in, which are encoded beforehand, and just enough of a decoder to find a
//! `grpc-status`. Source: RFC 7541.

/// Indices of the static table. Source: RFC 7541, appendix A.
const METHOD_POST: u8 = 3;
const SCHEME_HTTP: u8 = 6;
const SCHEME_HTTPS: u8 = 7;
const STATUS_200: u8 = 8;
const PATH: u8 = 4;
const AUTHORITY: u8 = 1;
const AUTHORIZATION: u8 = 23;
const CONTENT_TYPE: u8 = 31;
const STATIC_ENTRIES: usize = 61;

/// The first byte of each form. Source: RFC 7541, 6.
const INDEXED: u8 = 0x80;
const WITH_INDEXING: u8 = 0x40;
const TABLE_SIZE: u8 = 0x20;
const NEVER_INDEXED: u8 = 0x10;
const LITERAL: u8 = 0x00;

/// Source: RFC 7541, 5.1.
fn put_integer(block: &mut Vec<u8>, form: u8, prefix: u32, value: usize) {
    let most = (1_usize << prefix) - 1;
    let byte = |value: usize| u8::try_from(value).unwrap_or(u8::MAX);
    if value < most {
        return block.push(form | byte(value));
    }
    block.push(form | byte(most));
    let mut rest = value - most;
    while rest >= 0x80 {
        block.push(0x80 | byte(rest & 0x7f));
        rest >>= 7;
    }
    block.push(byte(rest));
}

fn put_text(block: &mut Vec<u8>, text: &str) {
    put_integer(block, 0, 7, text.len());
    block.extend_from_slice(text.as_bytes());
}

/// The header blocks of gRPC calls, as a gRPC library sends them: that of the first call of a connection, which fills the
/// dynamic table, and that of all later ones. A secret is never put into a table (RFC 7541, 7.1.3), so it stands in each.
pub(crate) fn call(path: &str, authority: &str, tls: bool, secret: Option<&str>) -> (Vec<u8>, Vec<u8>) {
    let scheme = if tls { SCHEME_HTTPS } else { SCHEME_HTTP };
    let mut first = vec![INDEXED | METHOD_POST, INDEXED | scheme];
    for (name, value) in [(PATH, path), (AUTHORITY, authority), (CONTENT_TYPE, "application/grpc")] {
        first.push(WITH_INDEXING | name);
        put_text(&mut first, value);
    }
    first.push(WITH_INDEXING);
    put_text(&mut first, "te");
    put_text(&mut first, "trailers");
    let mut later = vec![INDEXED | METHOD_POST, INDEXED | scheme, 0xc1, 0xc0, 0xbf, 0xbe];
    if let Some(secret) = secret {
        for block in [&mut first, &mut later] {
            put_integer(block, NEVER_INDEXED, 4, AUTHORIZATION.into());
            put_text(block, secret);
        }
    }
    (first, later)
}

/// The header block of a push service's good answer.
pub(crate) fn answer(json: bool) -> Vec<u8> {
    let mut block = vec![INDEXED | STATUS_200, LITERAL];
    put_text(&mut block, "apns-id");
    put_text(&mut block, "eabeae54-14a8-11e5-b60b-1697f925ec7b");
    if json {
        put_integer(&mut block, LITERAL, 4, CONTENT_TYPE.into());
        put_text(&mut block, "application/json");
    }
    block
}

/// A `grpc-status` in a header block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GrpcStatus {
    Absent,
    Ok,
    Other,
}

/// "grpc-status" and "0", as encoders with and without Huffman codes write them.
const NAMES: [&[u8]; 2] = [b"grpc-status", &[0x9a, 0xca, 0xc8, 0xb2, 0x12, 0x34, 0xda, 0x8f]];
const ZEROS: [&[u8]; 2] = [b"0", &[0x07]];

/// Finds `grpc-status`. It keeps of each entry of the dynamic table only what it says about `grpc-status`. Runs are far too
/// short for entries to be evicted.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// The entries of the dynamic table. The newest is the last.
    table: Vec<GrpcStatus>,
}

impl Decoder {
    /// Reads a header block. Returns `None` if it is malformed.
    pub(crate) fn status(&mut self, mut block: &[u8]) -> Option<GrpcStatus> {
        let mut found = GrpcStatus::Absent;
        while let Some(&first) = block.first() {
            let said = match first {
                INDEXED.. => {
                    let index = integer(&mut block, 7)?;
                    self.entry(index)?
                }
                WITH_INDEXING.. => {
                    let said = self.literal(&mut block, 6)?;
                    self.table.push(said);
                    said
                }
                TABLE_SIZE.. => {
                    integer(&mut block, 5)?;
                    GrpcStatus::Absent
                }
                _ => self.literal(&mut block, 4)?,
            };
            if said != GrpcStatus::Absent {
                found = said;
            }
        }
        Some(found)
    }

    fn literal(&self, block: &mut &[u8], prefix: u32) -> Option<GrpcStatus> {
        let is_status = match integer(block, prefix)? {
            0 => NAMES.contains(&text(block)?),
            index => self.entry(index)? != GrpcStatus::Absent,
        };
        let ok = ZEROS.contains(&text(block)?);
        Some(match (is_status, ok) {
            (false, _) => GrpcStatus::Absent,
            (true, true) => GrpcStatus::Ok,
            (true, false) => GrpcStatus::Other,
        })
    }

    /// The static table has no `grpc-status`.
    fn entry(&self, index: usize) -> Option<GrpcStatus> {
        if index <= STATIC_ENTRIES {
            return Some(GrpcStatus::Absent);
        }
        self.table.len().checked_sub(index - STATIC_ENTRIES).and_then(|at| self.table.get(at).copied())
    }
}

/// Source: RFC 7541, 5.1.
fn integer(block: &mut &[u8], prefix: u32) -> Option<usize> {
    let (first, rest) = block.split_first()?;
    *block = rest;
    let most = (1_usize << prefix) - 1;
    let mut value = usize::from(*first) & most;
    if value < most {
        return Some(value);
    }
    for shift in (0..28).step_by(7) {
        let (byte, rest) = block.split_first()?;
        *block = rest;
        value += usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Source: RFC 7541, 5.2.
fn text<'a>(block: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = integer(block, 7)?;
    let (text, rest) = block.split_at_checked(length)?;
    *block = rest;
    Some(text)
}
