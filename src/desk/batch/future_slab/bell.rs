//! Who woke: each entry of a slab has a bell, and the slab asks which ones rang.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// Wakes one entry. It may outlive the future that it was given to, and then an entry is polled in vain.
pub(super) struct Bell {
    number: usize,
    /// Whether the entry is among those to poll.
    rung: AtomicBool,
    rings: Arc<Rings>,
}

/// The entries whose bells rang since the slab asked.
#[derive(Default)]
pub(super) struct Rings(Mutex<Rung>);

#[derive(Default)]
struct Rung {
    numbers: VecDeque<usize>,
    /// The task of the slab, where it waits.
    task: Option<Waker>,
}

impl Bell {
    /// The bell of the entry with this number.
    pub(super) fn new(number: usize, rings: &Arc<Rings>) -> Arc<Self> {
        Arc::new(Self { number, rung: AtomicBool::new(false), rings: Arc::clone(rings) })
    }

    /// The entry is to be polled after those that rang before it. The task of the slab is not woken, since it calls this.
    pub(super) fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.rings.lock().numbers.push_back(self.number);
        }
    }

    /// The entry is polled now. The poll sees all that was done before the bell rang, and the bell may ring again.
    pub(super) fn hush(&self) {
        self.rung.swap(false, Ordering::AcqRel);
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            let mut rung = self.rings.lock();
            rung.numbers.push_back(self.number);
            let task = rung.task.take();
            drop(rung);
            if let Some(task) = task {
                task.wake();
            }
        }
    }
}

impl Rings {
    /// Moves what rang into `due`, which is empty. Where nothing did, the task is noted as one that waits.
    pub(super) fn take(&self, due: &mut VecDeque<usize>, task: &Waker) {
        let mut rung = self.lock();
        if rung.numbers.is_empty() {
            if !rung.task.as_ref().is_some_and(|noted| noted.will_wake(task)) {
                rung.task = Some(task.clone());
            }
        } else {
            std::mem::swap(&mut rung.numbers, due);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Rung> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
