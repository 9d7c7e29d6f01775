//! What the person at the keyboard has chosen to see.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A text that is looked for has at most so many characters.
const LONGEST_TEXT: usize = 60;

/// What keys are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Reading,
    /// A text that is looked for is typed.
    Typing,
    Help,
}

/// What the person at the keyboard has chosen to see.
#[derive(Debug)]
pub(super) struct View {
    mode: Mode,
    first: usize,
    typed: String,
    wanted: String,
}

/// Which part of the list a screen shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// The line that is shown first.
    pub(super) first: usize,
    /// How many lines have room.
    pub(super) room: usize,
    /// How many lines there are.
    pub(super) all: usize,
    /// The lines at which a section begins.
    pub(super) starts: Vec<usize>,
}

impl Place {
    /// The line at which the next section begins; behind the last one, the first line.
    fn next_section(&self) -> usize {
        let is_at_end = self.first + self.room >= self.all;
        let next = self.starts.iter().copied().find(|start| *start > self.first);
        next.filter(|_| !is_at_end).unwrap_or_default()
    }

    /// The line at which the section before begins; before the first one, the last line.
    fn section_before(&self) -> usize {
        self.starts.iter().rev().copied().find(|start| *start < self.first).unwrap_or(usize::MAX)
    }
}

/// What the one who shows the screen has to do after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Draw,
    DrawAnew,
    Quit,
}

impl View {
    pub(super) fn new() -> Self {
        Self { mode: Mode::Reading, first: 0, typed: String::new(), wanted: String::new() }
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// The line that is shown first, if there are so many.
    pub(super) fn first(&self) -> usize {
        self.first
    }

    /// The text that is looked for, as it was typed.
    pub(super) fn typed(&self) -> &str {
        &self.typed
    }

    /// The same in lower case.
    pub(super) fn wanted(&self) -> &str {
        &self.wanted
    }

    /// Does what a key says. `place` is what was shown when it was pressed.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most keys do nothing")]
    pub(super) fn press(&mut self, key: KeyEvent, place: &Place) -> After {
        if key.kind == KeyEventKind::Release {
            return After::Draw;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => After::Quit,
                KeyCode::Char('l') => After::DrawAnew,
                _ => After::Draw,
            };
        }
        match self.mode {
            Mode::Help => {
                self.mode = Mode::Reading;
                if key.code == KeyCode::Char('q') { After::Quit } else { After::Draw }
            }
            Mode::Typing => {
                self.type_text(key.code);
                After::Draw
            }
            Mode::Reading => self.read(key.code, place),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most keys do nothing")]
    fn type_text(&mut self, key: KeyCode) {
        match key {
            KeyCode::Enter => self.mode = Mode::Reading,
            KeyCode::Esc => self.show_all(),
            KeyCode::Backspace => drop(self.typed.pop()),
            KeyCode::Char(character) if self.typed.chars().count() < LONGEST_TEXT => {
                self.typed.push(character)
            }
            _ => {}
        }
        self.wanted = self.typed.to_lowercase();
        self.first = 0;
    }

    fn show_all(&mut self) {
        *self = Self::new();
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most keys do nothing")]
    fn read(&mut self, key: KeyCode, place: &Place) -> After {
        // A list that has become shorter is shown from another line than was chosen.
        let (first, screen) = (place.first, place.room.saturating_sub(1).max(1));
        self.first = match key {
            KeyCode::Char('q') => return After::Quit,
            KeyCode::Esc => {
                self.show_all();
                0
            }
            KeyCode::Char('?') | KeyCode::F(1) => {
                self.mode = Mode::Help;
                first
            }
            KeyCode::Char('/') => {
                self.mode = Mode::Typing;
                first
            }
            KeyCode::Up | KeyCode::Char('k') => first.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => first + 1,
            KeyCode::PageUp | KeyCode::Char('b') => first.saturating_sub(screen),
            KeyCode::PageDown | KeyCode::Char(' ' | 'f') => first + screen,
            KeyCode::Home | KeyCode::Char('g') => 0,
            KeyCode::End | KeyCode::Char('G') => usize::MAX,
            KeyCode::Tab => place.next_section(),
            KeyCode::BackTab => place.section_before(),
            _ => first,
        };
        After::Draw
    }
}
