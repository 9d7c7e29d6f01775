//! Futures of one type that one task drives, in memory that is used again.
//!
//! `FuturesUnordered` allocates for each future, and a future behind a `Box<dyn Future>` is allocated twice. A batch has
//! thousands of large futures one after the other, so here a future moves into the memory of one that has ended, and an
//! entry keeps its waker. The crate `futures-buffered` does much the same with unsafe code; where it grows it doubles, and
//! it keeps the memory of its peak.

mod bell;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::Stream;

use bell::{Bell, Rings};

/// The memory of one future, which never moves.
type Memory<F> = Pin<Box<Option<F>>>;

/// Futures whose results come in the order in which they are ready.
pub(super) struct FutureSlab<F> {
    entries: Vec<Entry<F>>,
    /// The entries without a future. The one that was left last is taken first, as the processor has it in its cache.
    free: Vec<usize>,
    /// The memory of futures that have ended.
    spare: Vec<Memory<F>>,
    /// How many of the spare were not needed since [`FutureSlab::give_back`].
    unused: usize,
    /// The entries to poll, in the order in which their bells rang.
    due: VecDeque<usize>,
    rings: Arc<Rings>,
    filled: usize,
}

struct Entry<F> {
    future: Option<Memory<F>>,
    bell: Arc<Bell>,
    /// The bell as a waker.
    waker: Waker,
}

impl<F> FutureSlab<F> {
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            spare: Vec::new(),
            unused: 0,
            due: VecDeque::new(),
            rings: Arc::default(),
            filled: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Takes a future in. It is polled first when the slab is polled next.
    pub(super) fn push(&mut self, future: F) {
        let memory = match self.spare.pop() {
            Some(mut memory) => {
                memory.set(Some(future));
                memory
            }
            None => Box::pin(Some(future)),
        };
        self.unused = self.unused.min(self.spare.len());
        let number = self.free.pop().unwrap_or(self.entries.len());
        match self.entries.get_mut(number) {
            Some(entry) => entry.future = Some(memory),
            None => self.entries.push(Entry::new(number, memory, &self.rings)),
        }
        self.filled += 1;
        if let Some(entry) = self.entries.get(number) {
            entry.bell.ring();
        }
    }

    /// Frees the spare memory that was not needed since this was called last, so that a peak is not kept for long.
    pub(super) fn give_back(&mut self) {
        self.spare.drain(..self.unused);
        self.unused = self.spare.len();
    }

    /// The next entry to poll. Where there is none, the task will be woken.
    fn next_due(&mut self, task: &Waker) -> Option<usize> {
        if self.due.is_empty() {
            self.rings.take(&mut self.due, task);
        }
        self.due.pop_front()
    }
}

impl<F: Future> Stream for FutureSlab<F> {
    type Item = F::Output;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let slab = self.get_mut();
        if slab.is_empty() {
            return Poll::Ready(None);
        }
        // As many polls as there are futures, and then the task gives way to others: futures may wake each other for ever. A
        // smaller number would fall behind a batch that is offered items without a pause, and its results would wait.
        for _ in 0..slab.filled {
            let Some(number) = slab.next_due(cx.waker()) else { return Poll::Pending };
            if let Some(entry) = slab.entries.get_mut(number)
                && let Poll::Ready(output) = entry.poll()
            {
                slab.spare.extend(entry.clear());
                slab.free.push(number);
                slab.filled -= 1;
                return Poll::Ready(Some(output));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<F> Entry<F> {
    fn new(number: usize, memory: Memory<F>, rings: &Arc<Rings>) -> Self {
        let bell = Bell::new(number, rings);
        Self { future: Some(memory), waker: Waker::from(Arc::clone(&bell)), bell }
    }

    /// Drops the future, and returns its memory.
    fn clear(&mut self) -> Option<Memory<F>> {
        let mut memory = self.future.take()?;
        memory.set(None);
        Some(memory)
    }
}

impl<F: Future> Entry<F> {
    fn poll(&mut self) -> Poll<F::Output> {
        self.bell.hush();
        match self.future.as_mut().and_then(|memory| memory.as_mut().as_pin_mut()) {
            Some(future) => future.poll(&mut Context::from_waker(&self.waker)),
            None => Poll::Pending,
        }
    }
}
