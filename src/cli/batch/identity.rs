//! Which push a line is, wherever it stands in the file: it is known by its own id, or else by a digest of its content.
//! Equal lines are told apart by how many of them came before.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use prost::Message;
use uuid::Uuid;

use crate::cli::content::{ContentArgs, DeviceArgs};

/// The namespaces of the ids that are made here and of the keys, drawn once at random. They must never change, because a
/// second run has to find what the first one wrote.
const IDS: Uuid = Uuid::from_u128(0x8f9c_2a61_04d3_4c0e_9be7_53a1_77d0_12f6);
const KEYS: Uuid = Uuid::from_u128(0x2d0e_61c7_9a5b_4f18_8c36_e4b7_0f92_5ad1);

/// Tells two lines apart over all runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct LineKey(u128);

impl LineKey {
    /// The key of a push with this id that `occurrence` other pushes with the same id precede in its file.
    pub(super) fn of(id: &str, occurrence: u32) -> Self {
        let name = [&occurrence.to_be_bytes()[..], id.as_bytes()].concat();
        Self(Uuid::new_v5(&KEYS, &name).as_u128())
    }
}

/// The content that all lines of a run share: the flags that say what is sent, and to whom. Flags that say how a push is
/// treated are not part of it, so that a later run may have another `--ttl`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SharedContent {
    ids: Uuid,
}

impl SharedContent {
    pub(super) fn new(app: &str, content: &ContentArgs, device: Option<&DeviceArgs>) -> Self {
        let target = device.map(|device| device.target(String::new()).encode_to_vec());
        let parts = [app.as_bytes(), &content.content().encode_to_vec(), &target.unwrap_or_default()];
        // The length goes before each part, so that no two lists of parts read alike.
        let name: Vec<u8> = parts
            .iter()
            .flat_map(|part| part.len().to_be_bytes().into_iter().chain(part.iter().copied()))
            .collect();
        Self { ids: Uuid::new_v5(&IDS, &name) }
    }

    /// The name of the content in results, by which they are told from results of another content.
    pub(super) fn name(&self) -> String {
        let mut name = self.ids.simple().to_string();
        name.truncate(16);
        name
    }
}

/// Gives each line its identity, and counts equal lines to do so. It takes some 36 bytes of memory for each line.
pub(super) struct LineIdentities {
    shared: SharedContent,
    hasher: RandomState,
    seen: HashMap<u64, u32>,
}

/// Which push a line is.
pub(super) struct LineIdentity {
    pub(super) id: String,
    /// How many lines with the same id come before it.
    pub(super) occurrence: u32,
}

impl LineIdentities {
    pub(super) fn new(shared: SharedContent) -> Self {
        Self { shared, hasher: RandomState::new(), seen: HashMap::new() }
    }

    /// The identity of the next line, which has this content and this id of its own. The id may be empty.
    pub(super) fn next(&mut self, own: String, content: &[u8]) -> LineIdentity {
        if !own.is_empty() {
            let occurrence = self.count(&(true, own.as_bytes()));
            return LineIdentity { id: own, occurrence };
        }
        let before = self.count(&(false, content));
        let name = [&before.to_be_bytes()[..], content].concat();
        LineIdentity { id: Uuid::new_v5(&self.shared.ids, &name).to_string(), occurrence: 0 }
    }

    fn count(&mut self, line: &(bool, &[u8])) -> u32 {
        let seen = self.seen.entry(self.hasher.hash_one(line)).or_default();
        let before = *seen;
        *seen = seen.saturating_add(1);
        before
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;

    fn shared(flags: &[&str]) -> SharedContent {
        let command = ContentArgs::augment_args(clap::Command::new("batch").no_binary_name(true));
        let content = ContentArgs::from_arg_matches(&command.get_matches_from(flags)).unwrap();
        SharedContent::new("shop", &content, None)
    }

    fn id(flags: &[&str], lines: &[&str]) -> String {
        let mut identities = LineIdentities::new(shared(flags));
        let all = lines.iter().map(|line| identities.next(String::new(), line.as_bytes()));
        all.last().unwrap().id
    }

    #[test]
    fn a_line_is_its_content_wherever_it_stands() {
        let hello = ["--title=Hello", "--data=a=1", "--data=b=2"];
        let first = id(&hello, &["ab12"]);
        assert_eq!(first, id(&hello, &["other", "ab12"]));
        assert_eq!(
            first,
            id(&["--title=Hello", "--data=b=2", "--data=a=1", "--ttl=1h", "--dry-run"], &["ab12"])
        );
        let others = [
            id(&hello, &["ab13"]),
            id(&hello, &["ab12", "ab12"]),
            id(&["--title=Hullo", "--data=a=1", "--data=b=2"], &["ab12"]),
        ];
        assert!(others.iter().all(|other| *other != first));
    }

    #[test]
    fn lines_with_one_id_are_told_apart_by_their_order() {
        let mut lines = LineIdentities::new(shared(&[]));
        let mut next = |own: &str| lines.next(own.to_owned(), b"whatever");
        let all = [next("a"), next("a"), next("b")];
        assert_eq!(
            all.each_ref().map(|line| (line.id.as_str(), line.occurrence)),
            [("a", 0), ("a", 1), ("b", 0)]
        );
        assert_ne!(LineKey::of("a", 0), LineKey::of("a", 1));
    }

    #[test]
    fn another_content_has_another_name() {
        assert_eq!(shared(&["--title=a"]).name(), shared(&["--title=a", "--ttl=1h"]).name());
        assert_ne!(shared(&["--title=a"]).name(), shared(&["--title=b"]).name());
        assert_eq!(shared(&[]).name().len(), 16);
    }
}
