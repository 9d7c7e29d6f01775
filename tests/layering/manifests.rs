//! What the crates' manifests may depend on.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::findings::Finding;
use crate::rules::{MANIFESTS, Manifest};
use crate::tree::packages;

/// Every dependency below `root` that a manifest must not have.
pub(crate) fn check(root: &Path) -> BTreeSet<Finding> {
    let mut findings = BTreeSet::new();
    let workspace = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let workspace = DeTable::parse(&workspace).unwrap();
    let shared = table(workspace.get_ref(), "workspace").and_then(|shared| table(shared, "dependencies"));
    for folder in packages(root) {
        let path = folder.join("Cargo.toml");
        let text = fs::read_to_string(&path).unwrap();
        let manifest = DeTable::parse(&text).unwrap();
        let package = table(manifest.get_ref(), "package").and_then(|package| string(package, "name"));
        let Some(rule) = MANIFESTS.iter().find(|rule| Some(rule.package) == package) else { continue };
        let mut report = |at: usize, dependency: &str| {
            let file = path.strip_prefix(root).unwrap().to_owned();
            let line = text[..at].lines().count().max(1);
            let problem = format!("{} must not depend on {dependency}", rule.package);
            findings.insert(Finding { file, line, problem });
        };
        each_banned(manifest.get_ref(), shared, rule, &mut report);
    }
    findings
}

/// Looks into every table of dependencies, those of single targets included.
fn each_banned(
    manifest: &DeTable<'_>,
    shared: Option<&DeTable<'_>>,
    rule: &Manifest,
    report: &mut dyn FnMut(usize, &str),
) {
    for (key, value) in manifest {
        let Some(inner) = value.get_ref().as_table() else { continue };
        let is_for_tests = key.get_ref() == "dev-dependencies";
        if !is_for_tests && key.get_ref() != "dependencies" && key.get_ref() != "build-dependencies" {
            each_banned(inner, shared, rule, report);
            continue;
        }
        for (name, dependency) in inner {
            let package = package_of(name.get_ref(), dependency, shared);
            let is_banned = rule.banned.iter().any(|banned| is_of_family(package, banned));
            if is_banned && !(is_for_tests && rule.allowed_in_tests.contains(&package)) {
                report(name.span().end, package);
            }
        }
    }
}

/// The package behind a dependency, which may have another name here or in the workspace's list.
fn package_of<'a>(
    name: &'a str,
    dependency: &'a Spanned<DeValue<'_>>,
    shared: Option<&'a DeTable<'_>>,
) -> &'a str {
    let Some(settings) = dependency.get_ref().as_table() else { return name };
    if settings.contains_key("workspace") {
        let inherited = shared.and_then(|shared| table(shared, name));
        return inherited.and_then(|settings| string(settings, "package")).unwrap_or(name);
    }
    string(settings, "package").unwrap_or(name)
}

fn is_of_family(package: &str, family: &str) -> bool {
    package.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn table<'a, 'i>(of: &'a DeTable<'i>, name: &str) -> Option<&'a DeTable<'i>> {
    of.get(name)?.get_ref().as_table()
}

fn string<'a>(of: &'a DeTable<'_>, name: &str) -> Option<&'a str> {
    of.get(name)?.get_ref().as_str()
}
