//! Imports point down: a module names only modules from rows below its own. `ARCHITECTURE.md` has the table.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rows from the bottom up. `push` and what stands beside it import nothing; `simulator` stands apart.
const ROWS: &[&[&str]] = &[
    &["push", "proto", "transport", "telemetry", "files"],
    &["metrics"],
    &["upstream"],
    &["credential"],
    &["provider"],
    &["dispatch"],
    &["desk"],
    &["ingress"],
    &["config"],
    &["app"],
    &["cli"],
];

fn row(module: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&module))
}

/// Every source file below `src`, with the name of its top module.
fn sources() -> Vec<(PathBuf, String, String)> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|it| it == "rs") {
                files.push(path);
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&src, &mut files);
    let sources = files.into_iter().map(|path| {
        let relative = path.strip_prefix(&src).unwrap();
        let module = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&path).unwrap();
        // What tests name is theirs; so are comments.
        let code = text.split("#[cfg(test)]").next().unwrap();
        let code =
            code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        (relative.to_owned(), module, code)
    });
    sources.collect()
}

/// Words that follow `prefix`, wherever it stands.
fn named_after<'a>(code: &'a str, prefix: &'a str) -> BTreeSet<&'a str> {
    let mut words = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let inside = list.split('}').next().unwrap();
            words.extend(inside.split(',').map(|word| word.trim().split("::").next().unwrap()));
        } else {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            words.insert(&rest[..end]);
        }
    }
    words.remove("");
    words
}

fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

#[test]
fn modules_import_only_from_rows_below() {
    let mut seen = 0;
    for (path, module, code) in sources() {
        if matches!(module.as_str(), "lib" | "main" | "simulator") {
            continue;
        }
        let own = row(&module).unwrap_or_else(|| panic!("{module} has no row"));
        for used in named_after(&code, "crate::") {
            if used == module || (used == "simulator" && module == "cli") {
                continue;
            }
            let below = row(used).unwrap_or_else(|| panic!("{} names {used}", path.display()));
            assert!(below < own, "{} imports {used}, which is not below {module}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} imports were seen: the search is blind");
}

#[test]
fn the_simulator_shares_nothing_with_the_gateway() {
    for (path, module, code) in sources() {
        if module != "simulator" {
            continue;
        }
        let used = named_after(&code, "crate::");
        assert!(used.iter().all(|used| *used == "simulator"), "{} imports {used:?}", path.display());
        assert!(!names_crate(&code, "fanfare"), "{}", path.display());
    }
}

#[test]
fn generated_types_stop_at_the_ingress_and_the_command_line() {
    for (path, module, code) in sources() {
        let may = matches!(module.as_str(), "proto" | "cli" | "app") || path.starts_with("ingress/grpc");
        assert!(may || !named_after(&code, "crate::").contains("proto"), "{} names proto", path.display());
    }
}

#[test]
fn http2_stays_in_upstream_and_grpc_at_the_edge() {
    for (path, module, code) in sources() {
        let upstream = matches!(module.as_str(), "upstream" | "simulator");
        assert!(upstream || !names_crate(&code, "h2"), "{} names h2", path.display());
        let edge = matches!(module.as_str(), "proto" | "cli" | "app") || path.starts_with("ingress/grpc");
        assert!(edge || !names_crate(&code, "tonic"), "{} names tonic", path.display());
        assert!(upstream || !names_crate(&code, "hyper"), "{} names hyper", path.display());
    }
}

#[test]
fn provider_and_push_do_no_io_and_have_no_clock() {
    for (path, module, code) in sources() {
        if !matches!(module.as_str(), "push" | "provider") {
            continue;
        }
        for banned in ["tokio", "SystemTime::now", "Instant::now", "std::fs", "std::net"] {
            assert!(!code.contains(banned), "{} names {banned}", path.display());
        }
    }
}

#[test]
fn no_module_but_app_and_the_command_line_knows_the_configuration() {
    for (path, module, code) in sources() {
        let may = matches!(module.as_str(), "config" | "app" | "cli");
        assert!(may || !named_after(&code, "crate::").contains("config"), "{} names config", path.display());
    }
}
