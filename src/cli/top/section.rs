//! A section of the screen: a title, and rows whose cells stand below each other where there is room.

use ratatui_core::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::paint::{Paint, Tone, wrap};

/// So many columns are free between two cells, and before the first.
const GAP: usize = 2;

/// A cell that lacks room is cut down to so many columns, and no further.
const NARROWEST: usize = 16;

/// What stands below a row is set in by so many columns.
const INDENT: usize = 4;

/// What stands below a row is shown in so many lines at most, for each of its texts.
const MOST_LINES: usize = 8;

/// A part of a row.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) tone: Tone,
    is_number: bool,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone, is_number: false }
    }

    /// It stands at the right of its column.
    pub(super) fn number(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone, is_number: true }
    }

    /// It says how something is, by a mark and a word.
    pub(super) fn state(word: &str, tone: Tone, paint: Paint) -> Self {
        Self::new(format!("{} {word}", tone.mark(paint.script)), tone)
    }
}

/// A thing, in a line, and more of it in the lines below.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
    pub(super) below: Vec<Cell>,
}

impl Row {
    /// Whether a part of it has this text, whichever case its letters have.
    fn has(&self, wanted: &str) -> bool {
        self.cells.iter().chain(&self.below).any(|cell| cell.text.to_lowercase().contains(wanted))
    }
}

/// A section of the screen.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) title: String,
    pub(super) lines: Vec<Line<'static>>,
}

/// Sets the rows that have the wanted text, in so many columns; none where there are none.
pub(super) fn section(
    title: &str,
    rows: Vec<Row>,
    wanted: &str,
    columns: usize,
    paint: Paint,
) -> Option<Section> {
    let rows: Vec<_> = rows.into_iter().filter(|row| row.has(wanted)).collect();
    if rows.is_empty() {
        return None;
    }
    let widths = widths(&rows, columns);
    let mut lines = Vec::new();
    for row in &rows {
        match &widths {
            Some(widths) => lines.push(aligned(row, widths, paint)),
            None => flowing(row, columns, paint, &mut lines),
        }
        for cell in &row.below {
            let mut parts = wrap(&cell.text, columns.saturating_sub(INDENT));
            parts.truncate(MOST_LINES);
            lines.extend(
                parts
                    .into_iter()
                    .map(|part| Line::from(vec![Span::raw(" ".repeat(INDENT)), paint.span(part, cell.tone)])),
            );
        }
    }
    Some(Section { title: title.to_owned(), lines })
}

/// How wide each column is; none where all of them do not have room. An empty column has no width.
fn widths(rows: &[Row], columns: usize) -> Option<Vec<usize>> {
    let most = rows.iter().map(|row| row.cells.len()).max().unwrap_or_default();
    let width =
        |at: usize| rows.iter().filter_map(|row| row.cells.get(at)).map(|cell| cell.text.width()).max();
    let mut widths: Vec<_> = (0..most).map(|at| width(at).unwrap_or_default()).collect();
    let used = widths.iter().filter(|width| **width > 0).map(|width| width + GAP).sum::<usize>();
    let mut excess = used.saturating_sub(columns);
    while excess > 0 {
        let widest = widths.iter_mut().max().filter(|widest| **widest > NARROWEST)?;
        *widest -= 1;
        excess -= 1;
    }
    Some(widths)
}

fn aligned(row: &Row, widths: &[usize], paint: Paint) -> Line<'static> {
    let mut spans = Vec::new();
    for (cell, width) in row.cells.iter().zip(widths).filter(|(_, width)| **width > 0) {
        let text = paint.fit(&cell.text, *width);
        let free = " ".repeat(width - text.width());
        spans.push(Span::raw(" ".repeat(GAP)));
        let text = paint.span(text, cell.tone);
        spans.extend(if cell.is_number { [Span::raw(free), text] } else { [text, Span::raw(free)] });
    }
    Line::from(spans)
}

/// The cells one after the other, in as many lines as they need.
fn flowing(row: &Row, columns: usize, paint: Paint, lines: &mut Vec<Line<'static>>) {
    let (mut line, mut used, mut is_first) = (Vec::new(), 0, true);
    for cell in row.cells.iter().filter(|cell| !cell.text.is_empty()) {
        let width = cell.text.width();
        if used > 0 && used + GAP + width > columns {
            lines.push(Line::from(std::mem::take(&mut line)));
            (used, is_first) = (0, false);
        }
        let before = if used == 0 && !is_first { INDENT } else { GAP };
        line.push(Span::raw(" ".repeat(before)));
        line.push(paint.span(paint.fit(&cell.text, columns.saturating_sub(before)), cell.tone));
        used += before + width;
    }
    lines.push(Line::from(line));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::top::script::Script;

    fn set(columns: usize, wanted: &str) -> Vec<String> {
        let row = |name: &str, count: &str| Row {
            cells: vec![
                Cell::new(name, Tone::Plain),
                Cell::new("", Tone::Plain),
                Cell::number(count, Tone::Plain),
            ],
            below: vec![Cell::new("one two three", Tone::Quiet)],
        };
        let rows = vec![row("shop", "7"), row("a-name-that-is-longer", "1,234")];
        let paint = Paint { script: Script::Ascii, colours: false };
        let set = section("Apps", rows, wanted, columns, paint);
        set.into_iter().flat_map(|it| it.lines).map(|line| line.to_string()).collect()
    }

    #[test]
    fn cells_stand_below_each_other_and_give_way_where_room_is_lacking() {
        assert_eq!(
            set(40, ""),
            [
                "  shop                       7",
                "    one two three",
                "  a-name-that-is-longer  1,234",
                "    one two three",
            ]
        );
        assert_eq!(
            set(27, ""),
            [
                "  shop                    7",
                "    one two three",
                "  a-name-that-is-lo~  1,234",
                "    one two three"
            ]
        );
        assert_eq!(
            set(12, ""),
            [
                "  shop  7",
                "    one two",
                "    three",
                "  a-name-th~",
                "    1,234",
                "    one two",
                "    three"
            ]
        );
        assert_eq!(set(40, "longer").len(), 2);
        assert_eq!(set(40, "nobody"), Vec::<String>::new());
    }
}
