//! What the gateway shows to push services and callers, and when it ends.

use super::look::Look;
use super::trouble;
use crate::cli::top::paint::Tone;
use crate::cli::top::section::{Cell, Row, Section};
use crate::cli::top::words::{clock, relative};
use crate::status::{CredentialState, CredentialStatus};

/// A VAPID key has no shorter name than its public half, of which so many characters tell it apart.
const KEY: usize = 24;

pub(super) fn credentials(look: Look<'_>) -> Option<Section> {
    let rows = look.status.credentials.iter().map(|credential| row(credential, look)).collect();
    look.section("Credentials", rows)
}

fn row(credential: &CredentialStatus, look: Look<'_>) -> Row {
    let now = look.status.now;
    let (word, tone) = match credential.state {
        CredentialState::Good => ("good", Tone::Well),
        CredentialState::EndsSoon => ("ends soon", Tone::Troubled),
        CredentialState::Unavailable => ("unavailable", Tone::Failing),
        CredentialState::Refused => ("refused", Tone::Failing),
        CredentialState::Ended => ("ended", Tone::Failing),
    };
    let since = credential.since.map(|since| format!(" since {}", clock(since, now))).unwrap_or_default();
    let name = &credential.name;
    let name = match name.char_indices().nth(KEY) {
        Some((end, _)) if credential.kind == "VAPID key" => {
            format!("{}{}", name.get(..end).unwrap_or_default(), look.paint.script.pick("…", "~"))
        }
        _ => name.clone(),
    };
    let ends = credential.expires_at.map(|end| {
        let verb = if end <= now { "ended" } else { "ends" };
        format!("{verb} {}", relative(end, now))
    });
    let cells = vec![
        Cell::state(word, tone, look.paint),
        Cell::new(name, Tone::Strong),
        Cell::new(ends.unwrap_or_default(), Tone::Plain),
    ];
    let mut below = vec![Cell::new(format!("{}, {}", credential.kind, credential.place), Tone::Quiet)];
    if let Some(reason) = &credential.reason {
        below.push(Cell::new(format!("{reason}{since}"), Tone::Plain));
    }
    below.extend(trouble::of(credential.trouble.as_ref()));
    Row { cells, below }
}
