//! The screen as a value: what stands in each line of it. Nothing here knows a terminal, a clock or a network.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::text::{Line, Span};
use tokio::time::Instant;
use unicode_width::UnicodeWidthStr;

use super::columns::arrange;
use super::footer;
use super::headline::{headline, silence, subline};
use super::news::{News, Stream};
use super::paint::{Paint, Tone, wrap};
use super::view::{Mode, Place, View};
use super::words::clock_seconds;

/// With fewer lines only what is wrong is said above the list.
const ENOUGH_LINES: u16 = 16;

/// With fewer lines there is none for keys.
const ENOUGH_FOR_KEYS: u16 = 4;

/// What is shown.
pub(super) struct Page {
    head: Vec<Line<'static>>,
    body: Vec<Line<'static>>,
    foot: Option<Line<'static>>,
    /// Which part of the body has room.
    pub(super) place: Place,
}

impl Page {
    /// Lays out what is known on a screen of this size.
    pub(super) fn new(
        news: &News,
        view: &View,
        address: &str,
        paint: Paint,
        size: Rect,
        now: Instant,
    ) -> Self {
        let (width, height) = (usize::from(size.width), usize::from(size.height));
        let has_keys = size.height >= ENOUGH_FOR_KEYS;
        let mut head = head(news, address, paint, size, now);
        let (body, starts) = match (view.mode(), &news.status) {
            (Mode::Help, _) => (footer::help(paint), Vec::new()),
            (_, Some(status)) => arrange(status, view.wanted(), width, paint),
            (_, None) => (Vec::new(), Vec::new()),
        };
        head.truncate(height.saturating_sub(usize::from(has_keys)).max(1));
        let room = height.saturating_sub(head.len() + usize::from(has_keys));
        let first = view.first().min(body.len().saturating_sub(room));
        let place = Place { first, room, all: body.len(), starts };
        let foot = has_keys.then(|| footer::footer(view, &place, width, paint));
        Self { head, body, foot, place }
    }

    /// Puts it into the cells of the screen.
    pub(super) fn render(&self, buffer: &mut Buffer) {
        let area = buffer.area;
        let mut put = |row: usize, line: &Line<'_>| {
            if let Ok(row) = u16::try_from(row)
                && row < area.height
            {
                buffer.set_line(area.x, area.y + row, line, area.width);
            }
        };
        self.head.iter().enumerate().for_each(|(at, line)| put(at, line));
        let body = self.body.iter().skip(self.place.first).take(self.place.room);
        body.enumerate().for_each(|(at, line)| put(self.head.len() + at, line));
        if let Some(foot) = &self.foot {
            put(self.head.len() + self.place.room, foot);
        }
    }
}

fn head(news: &News, address: &str, paint: Paint, size: Rect, now: Instant) -> Vec<Line<'static>> {
    let width = usize::from(size.width);
    let said = |text: &str, tone: Tone| -> Vec<Line<'static>> {
        let text = format!("{} {text}", tone.mark(paint.script));
        wrap(&text, width).into_iter().map(|line| paint.line(line, tone)).collect()
    };
    let mut head = Vec::new();
    if let Some(silence) = silence(news, address, now) {
        let is_broken = matches!(news.stream, Stream::Broken { .. });
        head.extend(said(&silence, if is_broken { Tone::Troubled } else { Tone::Unused }));
    }
    if let Some(status) = &news.status {
        let (sentence, tone) = headline(status);
        let mut lines = said(&sentence, tone);
        if matches!(news.stream, Stream::Live)
            && let [only] = lines.as_mut_slice()
        {
            let live = format!("live {} UTC", clock_seconds(status.now));
            let free = width.saturating_sub(only.width() + live.width());
            if free >= 2 {
                only.push_span(Span::raw(" ".repeat(free)));
                only.push_span(paint.span(live, Tone::Quiet));
            }
        }
        head.append(&mut lines);
        if size.height >= ENOUGH_LINES {
            head.push(paint.line(paint.fit(&format!("  {}", subline(status, address)), width), Tone::Quiet));
            head.push(Line::default());
        }
    }
    head
}
