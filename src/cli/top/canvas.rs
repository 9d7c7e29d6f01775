//! Shows pages by writing only the cells that have changed. ratatui's own terminal would do the same, but it writes to standard
//! error when it is dropped, which panics where the terminal is gone.

use ratatui_core::backend::Backend;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::{Position, Rect};

use super::page::Page;

/// A screen and what it shows.
pub(super) struct Canvas<B> {
    backend: B,
    shown: Buffer,
}

impl<B: Backend> Canvas<B> {
    pub(super) fn new(backend: B) -> Self {
        Self { backend, shown: Buffer::empty(Rect::ZERO) }
    }

    /// How large the screen is now.
    pub(super) fn size(&self) -> Result<Rect, B::Error> {
        Ok(Rect::from((Position::ORIGIN, self.backend.size()?)))
    }

    /// Forgets what is shown, so that all of it is written anew.
    pub(super) fn forget(&mut self) {
        self.shown = Buffer::empty(Rect::ZERO);
    }

    /// Shows a page that was made for this size.
    pub(super) fn show(&mut self, page: &Page, size: Rect) -> Result<(), B::Error> {
        if self.shown.area != size {
            self.backend.clear()?;
            self.shown = Buffer::empty(size);
        }
        let mut next = Buffer::empty(size);
        page.render(&mut next);
        self.backend.draw(self.shown.diff(&next).into_iter())?;
        self.backend.flush()?;
        self.shown = next;
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn backend(&self) -> &B {
        &self.backend
    }
}
