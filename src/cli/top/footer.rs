//! The last line: which keys there are, and where in the list the screen is. And what help says of them.

use ratatui_core::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::paint::{Paint, Tone};
use super::script::Script;
use super::view::{Mode, Place, View};

/// What the keys do, those that are needed most first.
fn keys(view: &View, script: Script) -> Vec<(&'static str, &'static str)> {
    match view.mode() {
        Mode::Help => vec![("any key", "back"), ("q", "quit")],
        Mode::Typing => vec![("Enter", "keep"), ("Esc", "show all")],
        Mode::Reading if view.wanted().is_empty() => vec![
            ("q", "quit"),
            (script.pick("↑↓", "Up/Down"), "scroll"),
            ("Tab", "next section"),
            ("/", "find"),
            ("?", "help"),
        ],
        Mode::Reading => vec![("Esc", "show all"), ("q", "quit"), ("/", "find"), ("?", "help")],
    }
}

/// The last line of the screen.
pub(super) fn footer(view: &View, place: &Place, width: usize, paint: Paint) -> Line<'static> {
    let Place { first, room, all, .. } = *place;
    let place = if all > room {
        format!("{}-{} of {all}", first + 1, (first + room).min(all))
    } else {
        String::new()
    };
    let mut spans = Vec::new();
    let mut used = place.width();
    // A key is named with what it does, or not at all.
    let mut add = |parts: &[(String, Tone)]| {
        let needed = parts.iter().map(|(text, _)| text.width()).sum::<usize>();
        if used + needed <= width {
            used += needed;
            spans.extend(parts.iter().map(|(text, tone)| paint.span(text, *tone)));
        }
    };
    if view.mode() == Mode::Typing || !view.wanted().is_empty() {
        let end = if view.mode() == Mode::Typing { "_" } else { "" };
        add(&[(format!("/{}{end}  ", paint.script.clean(view.typed())), Tone::Strong)]);
    }
    for (key, what) in keys(view, paint.script) {
        add(&[(format!("{key} "), Tone::Strong), (format!("{what}  "), Tone::Quiet)]);
    }
    spans.push(Span::raw(" ".repeat(width.saturating_sub(used))));
    spans.push(paint.span(place, Tone::Quiet));
    Line::from(spans)
}

/// What help says.
pub(super) fn help(paint: Paint) -> Vec<Line<'static>> {
    let keys = [
        ("q, Ctrl-C", "quit"),
        (paint.script.pick("↑ ↓, k j", "Up Down, k j"), "a line up, a line down"),
        ("PgUp PgDn, b Space", "a screen up, a screen down"),
        ("Home End, g G", "to the first line, to the last line"),
        ("Tab, Shift-Tab", "to the next section, to the one before"),
        ("/", "shows only what has a text; Esc shows all again"),
        ("Ctrl-L", "draws the screen anew"),
    ];
    let marks = [
        (Tone::Failing, "failing: pushes do not arrive"),
        (Tone::Troubled, "troubled: some do not, or soon will not"),
        (Tone::Well, "well"),
        (Tone::Unused, "unused: nothing was sent since the gateway was started"),
    ];
    let mut lines = vec![paint.line("Keys", Tone::Strong)];
    lines.extend(keys.map(|(key, what)| {
        Line::from(vec![paint.span(format!("  {key:<20}"), Tone::Plain), paint.span(what, Tone::Quiet)])
    }));
    lines.extend([Line::default(), paint.line("Marks", Tone::Strong)]);
    lines.extend(marks.map(|(tone, what)| {
        Line::from(vec![
            paint.span(format!("  {} ", tone.mark(paint.script)), tone),
            paint.span(what, Tone::Plain),
        ])
    }));
    lines.extend([
        Line::default(),
        paint.line("  All times are UTC, by the clock of the gateway.", Tone::Quiet),
    ]);
    lines
}
