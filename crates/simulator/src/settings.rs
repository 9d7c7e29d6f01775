//! The settings that every HTTP/2 listener has.

/// The flow-control windows that the simulator grants, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    pub(super) stream: u32,
    pub(super) connection: u32,
}
