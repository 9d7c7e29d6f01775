//! File descriptors that a listener keeps back, so that it can accept a connection when the process has none left.

use std::fs::File;

/// What is opened to keep a descriptor: it has no other cost.
const NOTHING: &str = "/dev/null";

/// Descriptors that are kept back.
#[derive(Debug)]
pub(super) struct Spares {
    kept: Vec<File>,
    whole: usize,
}

impl Spares {
    /// Keeps so many descriptors back, or as many of them as there are.
    pub(super) fn keep(whole: usize) -> Self {
        let mut spares = Self { kept: Vec::with_capacity(whole), whole };
        spares.take_back();
        spares
    }

    /// Takes back what was given up, as far as descriptors are free again.
    pub(super) fn take_back(&mut self) {
        while !self.are_whole()
            && let Ok(file) = File::open(NOTHING)
        {
            self.kept.push(file);
        }
    }

    /// Closes one, so that its descriptor is free. Returns whether there was one.
    pub(super) fn give_one_up(&mut self) -> bool {
        self.kept.pop().is_some()
    }

    /// Whether none is given up.
    pub(super) fn are_whole(&self) -> bool {
        self.kept.len() >= self.whole
    }
}
