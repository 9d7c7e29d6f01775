//! Requests, each of which differs from all others.

use bytes::Bytes;

use crate::fields::{Fields, Indexing};

/// Names and values in their order.
pub(super) type List = Vec<(Vec<u8>, Vec<u8>)>;

pub(super) const AUTHORITY: &str = "push.example:8443";

/// How many bytes a field has that does not fit into one frame.
const LARGE: usize = 20_000;

pub(super) struct DrawnRequest {
    pub(super) head: Fields,
    pub(super) body: Bytes,
    pub(super) to_head: bool,
}

impl DrawnRequest {
    /// The number makes it unlike all others, and the shape decides its method and what it shares with some of them.
    pub(super) fn new(number: u32, shape: u8, body: usize) -> Self {
        let method = ["POST", "GET", "HEAD", "POST"][usize::from(shape % 4)];
        let shared = |count: u8| shape / 4 % count;
        let mut head = Fields::new();
        let mut add = |name: &str, value: String, indexing| {
            head.pack(name.as_bytes(), value.as_bytes(), indexing).unwrap();
        };
        add(":method", method.to_owned(), Indexing::Repeats);
        add(":path", path(number), Indexing::Varies);
        add("apns-topic", "X".repeat(10 + usize::from(shared(3))), Indexing::Repeats);
        if shape & 0x38 == 8 {
            add("authorization", format!("bearer {:0200}", shared(2)), Indexing::Secret);
        }
        add("apns-id", digits(number), Indexing::Varies);
        if shape >= 240 {
            add("x-large", "~".repeat(LARGE), Indexing::Varies);
        }
        let body = (0..body).map(|at| number.wrapping_mul(31).wrapping_add(at as u32) as u8).collect();
        Self { head, body, to_head: method == "HEAD" }
    }

    /// The fields as they have to arrive.
    pub(super) fn list(&self) -> List {
        let of_peer = [(&b":scheme"[..], &b"https"[..]), (b":authority", AUTHORITY.as_bytes())];
        let fields = of_peer.into_iter().chain(self.head.iter().map(|field| (field.name, field.value)));
        fields.map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
    }
}

/// The path of the request that has this number.
pub(super) fn path(number: u32) -> String {
    format!("/{}", digits(number))
}

/// A number in letters that Huffman code does not make shorter, because the other decoder takes long for it. Source: RFC
/// 7541, appendix B.
fn digits(number: u32) -> String {
    format!("{number:032b}").replace('0', "X").replace('1', "Z")
}
