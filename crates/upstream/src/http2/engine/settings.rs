//! SETTINGS: what the peer is told, and what it says.
//!
//! Source: RFC 9113, section 6.5.

use super::violation::Violation;
use super::window::DEFAULT_WINDOW;

/// The identifiers of settings. Source: RFC 9113, section 6.5.2.
mod id {
    pub(super) const HEADER_TABLE_SIZE: u16 = 0x1;
    pub(super) const ENABLE_PUSH: u16 = 0x2;
    pub(super) const MAX_CONCURRENT_STREAMS: u16 = 0x3;
    pub(super) const INITIAL_WINDOW_SIZE: u16 = 0x4;
    pub(super) const MAX_FRAME_SIZE: u16 = 0x5;
    pub(super) const MAX_HEADER_LIST_SIZE: u16 = 0x6;
}

/// The payload of the only SETTINGS that this client sends. The rest of its settings are the defaults.
pub(super) fn ours(max_header_list: u32) -> [u8; 12] {
    let mut payload = [0; 12];
    let all = [(id::ENABLE_PUSH, 0_u32), (id::MAX_HEADER_LIST_SIZE, max_header_list)];
    for (place, (id, value)) in payload.chunks_exact_mut(6).zip(all) {
        let (name, number) = place.split_at_mut(2);
        name.copy_from_slice(&id.to_be_bytes());
        number.copy_from_slice(&value.to_be_bytes());
    }
    payload
}

/// What the peer said of itself.
#[derive(Debug)]
pub(super) struct PeerSettings {
    /// How many streams may be open at once. There is no limit until the peer names one.
    pub(super) max_streams: usize,
    /// The window of a new stream.
    pub(super) initial_window: u32,
}

impl Default for PeerSettings {
    fn default() -> Self {
        Self { max_streams: usize::MAX, initial_window: DEFAULT_WINDOW }
    }
}

/// What SETTINGS of the peer change beyond [`PeerSettings`].
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// The windows of all streams grow by this.
    pub(super) windows: i64,
    /// The smallest and the last size of the table of header fields that the peer named.
    pub(super) table: Option<(u32, u32)>,
}

impl PeerSettings {
    /// Applies the payload of a SETTINGS frame. Settings that are not known are ignored. The longest frame that the peer
    /// takes is only checked: frames here are never longer than every peer takes.
    pub(super) fn apply(&mut self, payload: &[u8]) -> Result<Changes, Violation> {
        let mut changes = Changes::default();
        let (settings, rest) = payload.as_chunks::<6>();
        if !rest.is_empty() {
            return Err(Violation::frame_size("SETTINGS of a length that is no multiple of 6"));
        }
        for &[a, b, value @ ..] in settings {
            let value = u32::from_be_bytes(value);
            match u16::from_be_bytes([a, b]) {
                id::HEADER_TABLE_SIZE => {
                    let least = changes.table.map_or(value, |(least, _)| least.min(value));
                    changes.table = Some((least, value));
                }
                id::ENABLE_PUSH if value > 1 => {
                    return Err(Violation::protocol("SETTINGS_ENABLE_PUSH that is neither 0 nor 1"));
                }
                id::MAX_CONCURRENT_STREAMS => {
                    self.max_streams = usize::try_from(value).unwrap_or(usize::MAX);
                }
                id::INITIAL_WINDOW_SIZE => {
                    if value > i32::MAX.unsigned_abs() {
                        return Err(Violation::flow_control("SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1"));
                    }
                    changes.windows += i64::from(value) - i64::from(self.initial_window);
                    self.initial_window = value;
                }
                id::MAX_FRAME_SIZE if !(16_384..=16_777_215).contains(&value) => {
                    return Err(Violation::protocol("SETTINGS_MAX_FRAME_SIZE out of its range"));
                }
                _ => {}
            }
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(settings: &[(u16, u32)]) -> Vec<u8> {
        settings
            .iter()
            .flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat())
            .collect()
    }

    #[test]
    fn what_the_peer_says_is_applied_in_its_order() {
        let mut peer = PeerSettings::default();
        let said = payload(&[(4, 100), (1, 0), (1, 4096), (3, 7), (0xfe, 9), (4, 70_000)]);
        let changes = peer.apply(&said).unwrap();
        assert_eq!(changes, Changes { windows: 70_000 - 65_535, table: Some((0, 4096)) });
        assert_eq!((peer.max_streams, peer.initial_window), (7, 70_000));
        assert_eq!(peer.apply(&[]).unwrap(), Changes::default());
        assert_eq!(peer.max_streams, 7, "a limit stays until another is named");
    }

    #[test]
    fn what_may_not_be_said_ends_the_connection() {
        for (setting, code) in [((2, 2), 1), ((4, 1 << 31), 3), ((5, 16_383), 1), ((5, 1 << 24), 1)] {
            let error = PeerSettings::default().apply(&payload(&[setting])).unwrap_err();
            assert_eq!(error.code.0, code, "{setting:?}");
        }
        assert_eq!(PeerSettings::default().apply(&[0; 7]).unwrap_err().code.0, 6);
    }
}
