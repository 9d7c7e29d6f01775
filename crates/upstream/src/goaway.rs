//! GOAWAY, as the peer said it.

use bytes::Bytes;

/// A GOAWAY frame. Source: RFC 9113, section 6.8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GoAway {
    /// The peer did not process streams with a higher id.
    pub(crate) last_stream_id: u32,
    /// The error code. Source: RFC 9113, section 7.
    pub(crate) code: u32,
    /// The debug data, cut to 1 KiB.
    pub(crate) debug: Bytes,
}

/// Reasons are cut to this many characters.
const REASON_CHARS: usize = 40;

impl GoAway {
    /// The reason in the debug data: the word in `{"reason":"Shutdown"}`, and else the whole text. Only letters,
    /// digits, `_`, `-` and `.` of it are kept, and at most 40 characters. It is `none` if nothing is left.
    ///
    /// Source of that form: Apple, "Communicating with APNs", on connections that APNs closes.
    pub(crate) fn reason(&self) -> String {
        #[derive(serde::Deserialize)]
        struct Debug<'a> {
            #[serde(borrow)]
            reason: std::borrow::Cow<'a, str>,
        }
        let text = String::from_utf8_lossy(&self.debug);
        let reason =
            serde_json::from_str::<Debug<'_>>(&text).map_or(text.as_ref().into(), |debug| debug.reason);
        let plain = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
        let reason: String = reason.chars().filter(plain).take(REASON_CHARS).collect();
        if reason.is_empty() { "none".to_owned() } else { reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_a_word_whatever_the_peer_says() {
        for (debug, reason) in [
            (&b"{\"reason\":\"Shutdown\"}"[..], "Shutdown"),
            (b"{\"reason\":\"too\\nmany\", \"timestamp\":1}", "toomany"),
            (b"{\"reason\":7}", "reason7"),
            (b"max_age", "max_age"),
            (b"", "none"),
            (b"\xff\xfe", "none"),
            (&[b'a'; 1000], "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ] {
            let goaway = GoAway { last_stream_id: 0, code: 0, debug: Bytes::copy_from_slice(debug) };
            assert_eq!(goaway.reason(), reason);
        }
    }
}
