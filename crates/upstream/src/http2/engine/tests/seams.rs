//! What tests outside of the engine see and change of it.

use crate::http2::engine::Engine;

impl<T> Engine<T> {
    /// The next request gets this id.
    pub(crate) fn continue_with_id(&mut self, id: u32) {
        self.next_id = id;
    }

    /// How many bytes are kept that the peer made the engine keep: its answers, and a header block that is not whole.
    pub(crate) fn kept(&self) -> usize {
        self.output.waiting().len() + self.input.block.as_ref().map_or(0, |block| block.bytes.len())
    }
}
