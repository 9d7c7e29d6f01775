//! A plot in one line, whose right end is now.

use super::script::Script;

/// A plot shows so many seconds.
const SECONDS: u64 = 1800;

/// What stands for values from none to the highest.
const UNICODE: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 8] = ['_', '.', ':', '-', '=', '+', '*', '#'];

/// The values as a line of so many columns. Each column is the highest of its part of the half hour, because what a person
/// on call looks for may be short. Where nothing is known yet it is empty.
pub(super) fn sparkline(
    values: &[Option<f64>],
    highest: f64,
    columns: usize,
    every_seconds: u64,
    script: Script,
) -> String {
    let span = usize::try_from(SECONDS / every_seconds.max(1)).unwrap_or(usize::MAX).max(1);
    let newest = values.get(values.len().saturating_sub(span)..).unwrap_or_default();
    let missing = span - newest.len();
    let levels = script.pick(UNICODE, ASCII);
    let column = |at: usize| {
        let index =
            |column: usize| (column * span / columns.max(1)).saturating_sub(missing).min(newest.len());
        let (from, to) = (index(at), index(at + 1));
        // Where a plot has more columns than there are samples, a sample has several.
        let to =
            if at * span / columns.max(1) >= missing { to.max((from + 1).min(newest.len())) } else { to };
        let part = newest.get(from..to).unwrap_or_default();
        let value = part.iter().copied().flatten().reduce(f64::max)?;
        let level = (value / highest.max(f64::MIN_POSITIVE) * (levels.len() - 1) as f64).ceil() as usize;
        levels.get(level.min(levels.len() - 1)).copied()
    };
    (0..columns).map(|at| column(at).unwrap_or(' ')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_end_is_now_and_a_short_peak_is_seen() {
        let mut values = vec![Some(0.0); 90];
        values[45] = Some(10.0);
        values.extend([Some(1.0), None]);
        let line = |columns| sparkline(&values, 10.0, columns, 5, Script::Ascii);
        assert_eq!(line(8), "     _#.");
        assert_eq!(sparkline(&[], 0.0, 4, 5, Script::Ascii), "    ");
        assert_eq!(sparkline(&[Some(0.0); 360], 0.0, 4, 5, Script::Ascii), "____");
        assert_eq!(sparkline(&[Some(5.0); 360], 5.0, 720, 5, Script::Unicode), "█".repeat(720));
        assert_eq!(sparkline(&[Some(5.0)], 5.0, 4, 0, Script::Ascii), "   #");
    }
}
