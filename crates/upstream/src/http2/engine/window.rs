//! Flow control, in both directions.
//!
//! Source: RFC 9113, section 5.2 and 6.9.

/// The window of a stream and of a connection before anybody says otherwise. Source: RFC 9113, section 6.9.2.
pub(super) const DEFAULT_WINDOW: u32 = 65_535;

/// The largest window. Source: RFC 9113, section 6.9.1.
const MAX_WINDOW: i64 = (1 << 31) - 1;

/// How many bytes of DATA may be sent. It may be negative, after the peer made all windows smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SendWindow(i32);

/// A window grew beyond what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overflow;

impl SendWindow {
    /// A window of this size, or of the largest that is allowed.
    pub(super) fn new(size: u32) -> Self {
        Self(i32::try_from(size).unwrap_or(i32::MAX))
    }

    /// How many bytes may be sent now.
    pub(super) fn available(self) -> usize {
        usize::try_from(self.0).unwrap_or(0)
    }

    /// So many of the available bytes are sent.
    pub(super) fn take(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(i32::try_from(bytes).unwrap_or(i32::MAX));
    }

    /// The window changes by this.
    pub(super) fn change(&mut self, by: i64) -> Result<(), Overflow> {
        let changed = i64::from(self.0).saturating_add(by);
        if changed > MAX_WINDOW {
            return Err(Overflow);
        }
        self.0 = i32::try_from(changed).unwrap_or(i32::MIN);
        Ok(())
    }
}

/// How many bytes of DATA the peer may send. What came is used at once; so the peer is given it back, in steps of half
/// a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReceiveWindow {
    size: u32,
    /// What came and was not given back yet.
    used: u32,
}

impl ReceiveWindow {
    pub(super) fn new(size: u32) -> Self {
        Self { size, used: 0 }
    }

    /// So many bytes came. Fails if the peer was not allowed to send them.
    pub(super) fn receive(&mut self, bytes: usize) -> Result<(), Overflow> {
        let used = u32::try_from(bytes).ok().and_then(|bytes| self.used.checked_add(bytes));
        self.used = used.filter(|used| *used <= self.size).ok_or(Overflow)?;
        Ok(())
    }

    /// What is to be given back now, if it is worth a frame.
    pub(super) fn give_back(&mut self) -> Option<u32> {
        (self.used > self.size / 2).then(|| std::mem::take(&mut self.used))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_became_negative_sends_nothing_until_it_is_positive_again() {
        let mut window = SendWindow::new(100);
        window.take(60);
        window.change(-100).unwrap();
        assert_eq!(window.available(), 0);
        window.change(60).unwrap();
        assert_eq!(window.available(), 0);
        window.change(1).unwrap();
        assert_eq!(window.available(), 1);
    }

    #[test]
    fn no_window_grows_beyond_the_largest() {
        let mut window = SendWindow::new(u32::MAX);
        assert_eq!(window.available(), (1 << 31) - 1);
        assert_eq!(window.change(1), Err(Overflow));
        window.take(1);
        window.change(1).unwrap();
    }

    #[test]
    fn the_peer_gets_its_window_back_in_halves_and_may_not_send_more() {
        let mut window = ReceiveWindow::new(100);
        window.receive(50).unwrap();
        assert_eq!(window.give_back(), None);
        window.receive(1).unwrap();
        assert_eq!(window.give_back(), Some(51));
        window.receive(100).unwrap();
        assert_eq!(window.receive(1), Err(Overflow));
    }
}
