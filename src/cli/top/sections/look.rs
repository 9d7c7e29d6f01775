//! What the sections are made from.

use crate::cli::top::paint::Paint;
use crate::cli::top::section::{Row, Section, section};
use crate::status::Status;

/// What the sections are made from.
#[derive(Clone, Copy)]
pub(in crate::cli::top) struct Look<'a> {
    pub(in crate::cli::top) status: &'a Status,
    pub(in crate::cli::top) paint: Paint,
    /// How many columns there are.
    pub(in crate::cli::top) columns: usize,
    /// Rows without this text are left out; it is in lower case.
    pub(in crate::cli::top) wanted: &'a str,
}

impl Look<'_> {
    /// Sets rows as a section.
    pub(super) fn section(&self, title: &str, rows: Vec<Row>) -> Option<Section> {
        section(title, rows, self.wanted, self.columns, self.paint)
    }
}
