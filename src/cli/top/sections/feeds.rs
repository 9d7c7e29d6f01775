//! The webhooks that are told what becomes of pushes.

use super::look::Look;
use super::trouble::what_is_wrong;
use crate::cli::top::paint::Tone;
use crate::cli::top::section::{Cell, Row, Section};
use crate::cli::top::words::count;
use crate::status::{AppHealth, FeedStatus};

pub(super) fn feeds(look: Look<'_>) -> Option<Section> {
    look.section("Feeds", look.status.feeds.iter().map(|feed| row(feed, look)).collect())
}

fn row(feed: &FeedStatus, look: Look<'_>) -> Row {
    let (word, tone) = match feed.health {
        AppHealth::Failing | AppHealth::Troubled => ("failing", Tone::Failing),
        AppHealth::Well => ("well", Tone::Well),
        AppHealth::Unused => ("unused", Tone::Unused),
    };
    let waits = if feed.queued > 0 { format!("{} wait", count(feed.queued)) } else { String::new() };
    let cells = vec![
        Cell::state(word, tone, look.paint),
        Cell::new(&feed.name, Tone::Strong),
        Cell::number(waits, Tone::Quiet),
    ];
    let is_well = matches!(feed.health, AppHealth::Well | AppHealth::Unused);
    let below = if is_well { Vec::new() } else { what_is_wrong(&feed.sentence, None, &feed.remedy) };
    Row { cells, below }
}
