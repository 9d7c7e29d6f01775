//! Adds up what a chaos run has seen.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::Table;

use crate::accounts::Totals;
use crate::plan::Kind;

#[derive(Default)]
pub(crate) struct Report {
    pub(crate) pushes: u64,
    pub(crate) rounds: u64,
    pub(crate) opened: u64,
    totals: Totals,
    outcomes: BTreeMap<&'static str, u64>,
    kinds: BTreeMap<Kind, u64>,
}

impl Report {
    /// Adds a round whose accounts balance.
    pub(crate) fn add(&mut self, pushes: u64, kinds: &[Kind], totals: &Totals) {
        self.pushes += pushes;
        self.rounds += 1;
        let sum = &mut self.totals;
        sum.requests += totals.requests;
        sum.accepted += totals.accepted;
        sum.unconfirmed += totals.unconfirmed;
        sum.unanswered += totals.unanswered;
        sum.lost_answers += totals.lost_answers;
        sum.late += totals.late;
        sum.in_buffers += totals.in_buffers;
        sum.in_buffers_most += totals.in_buffers_most;
        sum.held_back += totals.held_back;
        sum.unsent += totals.unsent;
        sum.left_alone += totals.left_alone;
        sum.paced += totals.paced;
        sum.repeated += totals.repeated;
        for (outcome, count) in &totals.outcomes {
            *self.outcomes.entry(outcome).or_default() += count;
        }
        for kind in kinds {
            *self.kinds.entry(*kind).or_default() += 1;
        }
    }

    /// The closing table. `resent` counts requests that were sent again because they provably were not processed.
    pub(crate) fn table(&self, took: Duration, resent: f64, memory: (u64, u64)) -> Table {
        let Totals {
            requests,
            unconfirmed,
            unanswered,
            lost_answers,
            late,
            in_buffers,
            in_buffers_most,
            held_back,
            repeated,
            left_alone,
            paced,
            ..
        } = self.totals;
        let rate = self.pushes as f64 / took.as_secs_f64();
        let mut table = Table::new();
        table.load_preset(comfy_table::presets::UTF8_BORDERS_ONLY);
        let mut row = |name: &str, value: String| {
            table.add_row([name, &value]);
        };
        row("pushes", format!("{} in {} rounds", self.pushes, self.rounds));
        row("pushes a second", format!("{rate:.0}"));
        for (outcome, count) in &self.outcomes {
            row(outcome, count.to_string());
        }
        row("requests", requests.to_string());
        row("sent again, provably unprocessed", format!("{resent:.0}"));
        row("left alone, or paced", format!("{left_alone}, {paced}"));
        row("connections opened", self.opened.to_string());
        row("UNCONFIRMED told", unconfirmed.to_string());
        row(
            "UNCONFIRMED earned",
            format!(
                "{unanswered} read and not answered, {lost_answers} answers lost, {late} late, \
                 {in_buffers} in buffers (of at most {in_buffers_most}), {held_back} held back"
            ),
        );
        row("repeatable, delivered more than once", repeated.to_string());
        row("memory, first and last round", format!("{} and {} MiB", memory.0 >> 20, memory.1 >> 20));
        for (kind, count) in &self.kinds {
            row(&format!("fault {kind:?}"), count.to_string());
        }
        table
    }
}
