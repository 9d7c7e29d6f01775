//! Sections below each other, and on a wide screen in two columns.

use ratatui_core::text::{Line, Span};

use super::paint::{Paint, Tone};
use super::section::Section;
use super::sections::{Look, half_hour, troubles, ways};
use crate::status::Status;

/// A screen of so many columns has room for two of text, which nobody would like to read over its whole width.
const WIDE: usize = 150;

/// So many columns are free between the two.
const BETWEEN: usize = 4;

/// All sections as lines, and the lines at which one begins.
pub(super) fn arrange(
    status: &Status,
    wanted: &str,
    width: usize,
    paint: Paint,
) -> (Vec<Line<'static>>, Vec<usize>) {
    let is_wide = width >= WIDE;
    let columns = if is_wide { (width - BETWEEN) / 2 } else { width };
    let look = Look { status, paint, columns, wanted };
    let ([apps, problems], plots, ways) = (troubles(look), half_hour(look), ways(look));
    if !is_wide {
        let sections = [apps].into_iter().chain(plots).chain([problems]).chain(ways);
        return or_nothing(below_each_other(sections.flatten(), columns, paint), wanted, paint);
    }
    let (left, mut starts) = below_each_other([apps, problems].into_iter().flatten(), columns, paint);
    let (right, starts_right) = below_each_other(plots.into_iter().chain(ways).flatten(), columns, paint);
    starts.extend(starts_right);
    starts.sort_unstable();
    starts.dedup();
    or_nothing((beside_each_other(left, right, columns), starts), wanted, paint)
}

/// The same for a reader who scrolls by other means: one column, without what a screen alone needs.
pub(super) fn listed(status: &Status, width: usize, paint: Paint) -> Vec<Line<'static>> {
    let look = Look { status, paint, columns: width, wanted: "" };
    let ([apps, problems], plots, ways) = (troubles(look), half_hour(look), ways(look));
    let sections = [apps].into_iter().chain(plots).chain([problems]).chain(ways);
    below_each_other(sections.flatten(), width, paint).0
}

type Arranged = (Vec<Line<'static>>, Vec<usize>);

fn or_nothing(arranged: Arranged, wanted: &str, paint: Paint) -> Arranged {
    if !arranged.0.is_empty() || wanted.is_empty() {
        return arranged;
    }
    (vec![paint.line(format!("  Nothing has the text {wanted:?}."), Tone::Quiet)], Vec::new())
}

fn below_each_other(sections: impl Iterator<Item = Section>, columns: usize, paint: Paint) -> Arranged {
    let (mut lines, mut starts) = (Vec::new(), Vec::new());
    for section in sections {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        starts.push(lines.len());
        lines.push(paint.line(paint.fit(&section.title, columns), Tone::Strong));
        lines.extend(section.lines);
    }
    (lines, starts)
}

fn beside_each_other(
    left: Vec<Line<'static>>,
    right: Vec<Line<'static>>,
    columns: usize,
) -> Vec<Line<'static>> {
    let count = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let pair = |_| {
        let mut line = left.next().unwrap_or_default();
        if let Some(right) = right.next() {
            let free = columns.saturating_sub(line.width()) + BETWEEN;
            line.push_span(Span::raw(" ".repeat(free)));
            line.spans.extend(right.spans);
        }
        line
    };
    (0..count).map(pair).collect()
}
