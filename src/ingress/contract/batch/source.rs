//! Where the items of a batch come from, by whichever protocol its caller speaks.

use crate::caller::Caller;
use crate::desk::{Desk, Draft};
use crate::ingress::contract::CallFault;
use crate::proto::BatchOptions;

/// What comes from the caller of a batch.
pub(in crate::ingress) trait Source: Send {
    /// What is wrong with the stream, as its protocol says it.
    type Fault: From<CallFault> + Send + 'static;

    /// The items of a message.
    type Items: Send;

    /// Waits for the next message. None: the caller has ended its side of the stream.
    ///
    /// # Cancel safety
    /// Dropping the future loses no message.
    fn message(&mut self) -> impl Future<Output = Result<Option<Read<Self::Items>>, Self::Fault>> + Send;

    /// Takes the items of a message in. Those of the message before are used up.
    fn take_in(&mut self, items: Self::Items);

    /// Whether the items that were taken in last are used up.
    fn is_empty(&self) -> bool;

    /// The draft of the next item.
    fn next(&mut self, desk: &Desk, caller: &Caller) -> Option<Draft>;

    /// Names the app of items that name none.
    fn set_default_app(&mut self, app: String);
}

/// A message that was read.
pub(in crate::ingress) struct Read<I> {
    /// How the stream is treated, which the first message may say.
    pub(in crate::ingress) options: Option<BatchOptions>,
    /// How many items it has.
    pub(in crate::ingress) count: usize,
    pub(in crate::ingress) items: I,
}
