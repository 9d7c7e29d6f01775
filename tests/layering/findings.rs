//! Every name of the tree, held against the rules.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::manifests;
use crate::rules::{NEVER, ONLY, PARTS, ROOTS, ROWS};
use crate::tree::{StandsIn, Tree};

/// One line that breaks a rule.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// From the root of the repository.
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    pub(crate) problem: String,
}

impl fmt::Debug for Finding {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}:{}: {}", self.file.display(), self.line, self.problem)
    }
}

/// Every line below `root` that breaks a rule.
pub(crate) fn check(root: &Path) -> BTreeSet<Finding> {
    let tree = Tree::read(root);
    let mut findings = manifests::check(root);
    for (address, module) in &tree.modules {
        let from = place(address).unwrap();
        let mut report =
            |line, problem| findings.insert(Finding { file: module.file.clone(), line, problem });
        if row(&from).is_none() && !ROOTS.contains(&from.as_str()) {
            report(1, format!("{from} has no row in tests/layering/rules.rs"));
        }
        for name in &module.names {
            // What one word means was reported where it was imported.
            if name.path.len() == 1 && name.stands_in == StandsIn::Code {
                continue;
            }
            for address in tree.addresses(address, &name.path) {
                for problem in problems(&from, &address) {
                    report(name.line, problem);
                }
            }
        }
    }
    findings
}

/// What is wrong when the place `from` uses what is at `address`.
fn problems(from: &str, address: &[String]) -> Vec<String> {
    let target = place(address);
    let name = target.as_ref().map_or_else(|| address.join("::"), |place| format!("crate::{place}"));
    let mut problems = Vec::new();
    if let Some(target) = &target
        && !ROOTS.contains(&from)
        && !ROOTS.contains(&top(target))
        && top(from) != top(target)
        && (row(target).is_none() || row(target) >= row(from))
    {
        problems.push(format!("{from} names {name}, but {} is in no row below {}", top(target), top(from)));
    }
    for (names, places) in ONLY {
        if names.iter().any(|start| is_below(&name, start))
            && !places.iter().any(|place| is_below(from, place))
        {
            problems.push(format!("{from} names {name}, which only {} may", places.join(", ")));
        }
    }
    for (places, names) in NEVER {
        if names.iter().any(|start| is_below(&name, start))
            && places.iter().any(|place| is_below(from, place))
        {
            problems.push(format!("{from} names {name}, which it never may"));
        }
    }
    problems
}

/// The place of an address of this repository: its path, written without its crate.
pub(crate) fn place(address: &[String]) -> Option<String> {
    let path = address.join("::");
    if path == "main" {
        return Some(path);
    }
    let (start, part) = PARTS.iter().find(|(start, _)| is_below(&path, start))?;
    let words: Vec<&str> =
        part.split("::").chain(path[start.len()..].split("::")).filter(|word| !word.is_empty()).collect();
    Some(if words.is_empty() { "lib".to_owned() } else { words.join("::") })
}

/// The first word of a place: the part of the house that it is in.
pub(crate) fn top(place: &str) -> &str {
    place.split("::").next().unwrap()
}

fn row(place: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&top(place)))
}

/// Whether `path` is `start`, or something in it.
pub(crate) fn is_below(path: &str, start: &str) -> bool {
    path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
