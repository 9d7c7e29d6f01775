//! What the status says, in sections. What is most urgent comes first.

mod apps;
mod feeds;
mod half_hour;
mod look;
mod peers;
mod problems;
mod senders;
mod shown;
mod trouble;

use super::section::Section;
pub(super) use look::Look;

/// Who is in trouble, and why: the apps, and the pushes that were not accepted.
pub(super) fn troubles(look: Look<'_>) -> [Option<Section>; 2] {
    [apps::apps(look), problems::problems(look)]
}

/// The last half hour as plots. Nobody who looks for a text looks for them.
pub(super) fn half_hour(look: Look<'_>) -> [Option<Section>; 2] {
    if look.wanted.is_empty() { [half_hour::rates(look), half_hour::times(look)] } else { [None, None] }
}

/// What pushes pass on their way.
pub(super) fn ways(look: Look<'_>) -> [Option<Section>; 5] {
    let (paces, callers) = (senders::paces(look), senders::callers(look));
    [peers::peers(look), paces, shown::credentials(look), callers, feeds::feeds(look)]
}
