//! What callers may use of the contract.

/// The RPCs of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rpc {
    /// One push in a call.
    SendPush,
    /// Up to a thousand pushes in a call.
    SendPushes,
    /// A stream of pushes.
    SendBatch,
}

impl Rpc {
    /// Every RPC.
    pub(crate) const ALL: [Self; 3] = [Self::SendPush, Self::SendPushes, Self::SendBatch];

    /// Its name in the contract.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SendPush => "SendPush",
            Self::SendPushes => "SendPushes",
            Self::SendBatch => "SendBatch",
        }
    }
}
