//! No file of this crate imports itself, over others: whoever reads one file has to know those below it, and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The modules of a crate, each with those that it imports. The name of a module is its path, such as `http2::engine`.
type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_file_imports_itself_over_others() {
    let mut sources = BTreeMap::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut sources);
    assert!(
        sources.len() > 30 && sources.contains_key("http2::engine::hpack::table"),
        "{:?}",
        sources.keys()
    );
    assert_eq!(circle(&imports(&sources)), None);
}

#[test]
fn a_circle_is_seen_however_it_is_written() {
    for (above, below) in [
        ("use crate::b::B;", "use super::a::A;"),
        ("use crate::{c, b::{B, self as other}};", "fn f() -> crate::a::A {}"),
        ("pub(crate) use crate::{b::*, c};", "use crate::c;\nuse crate::a::{self};"),
        ("fn f() { super::b::g() }", "use crate::c::C;\npub use crate::a;"),
    ] {
        let sources =
            [("a", above), ("b", below), ("c", "use crate::d;"), ("d", "// crate::c\nuse std::io;")];
        let sources = sources.map(|(module, text)| (module.to_owned(), text.to_owned())).into();
        assert!(circle(&imports(&sources)).is_some(), "{above} {below}");
    }
    // A module imports one that is inside of it without a word in front.
    let inside = [("a", "pub(crate) use inner::Inner;"), ("a::inner", "use super::Outer;")];
    let inside = inside.map(|(module, text)| (module.to_owned(), text.to_owned())).into();
    assert!(circle(&imports(&inside)).is_some());
    let tests = "use crate::b;\n#[cfg(test)]\nmod tests {\n    use crate::a;\n}".to_owned();
    let sources = [
        ("a".to_owned(), tests),
        ("b".to_owned(), "#[cfg(test)]\nmod tests {\n use crate::a;\n}".to_owned()),
    ];
    assert_eq!(circle(&imports(&sources.into())), None, "tests may import what is above them");
}

/// Reads the source of each module below a folder, but for folders of tests.
fn read(folder: &Path, parent: &str, sources: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let module = if parent.is_empty() { name.clone() } else { format!("{parent}::{name}") };
        match name.as_str() {
            "tests" => {}
            _ if path.is_dir() => read(&path, &module, sources),
            "mod" | "lib" => _ = sources.insert(parent.to_owned(), fs::read_to_string(&path).unwrap()),
            _ => _ = sources.insert(module, fs::read_to_string(&path).unwrap()),
        }
    }
}

fn imports(sources: &BTreeMap<String, String>) -> Imports {
    let of = |(module, text): (&String, &String)| {
        let paths = paths(text).into_iter().filter_map(|path| resolve(module, &path, sources));
        (module.clone(), paths.filter(|imported| imported != module).collect())
    };
    sources.iter().map(of).collect()
}

/// Every path of a source that may lead to a module of the crate, with nested braces spread out.
fn paths(text: &str) -> Vec<Vec<String>> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    let code = lines.collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (word, length) in [("use ", 4), ("crate::", 0), ("super::", 0)] {
        for (start, _) in code.match_indices(word) {
            let before = code[..start].chars().next_back();
            if !before.is_some_and(|letter| letter.is_alphanumeric() || matches!(letter, '_' | ':')) {
                spread(&code[start + length..], &[], &mut found);
            }
        }
    }
    found
}

/// Spreads the path at the beginning of a text, and returns what is left of the text.
fn spread<'a>(text: &'a str, prefix: &[String], found: &mut Vec<Vec<String>>) -> &'a str {
    let mut path = prefix.to_vec();
    let mut rest = text.trim_start();
    loop {
        if let Some(mut inside) = rest.strip_prefix('{') {
            while !inside.trim_start().starts_with('}') {
                inside = spread(inside, &path, found).trim_start();
                // After `as` comes a name that is no path.
                let end = inside.find([',', '}']).unwrap_or(inside.len());
                inside = inside[end..].strip_prefix(',').unwrap_or(&inside[end..]);
                if inside.is_empty() {
                    return inside;
                }
            }
            return &inside.trim_start()[1..];
        }
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
        path.push(rest[..end].to_owned());
        rest = &rest[end..];
        match rest.strip_prefix("::") {
            Some(more) => rest = more,
            None => break,
        }
    }
    found.push(path);
    rest
}

/// The module that a path of another leads to: the longest beginning of the path that is one.
fn resolve(from: &str, path: &[String], sources: &BTreeMap<String, String>) -> Option<String> {
    let mut at: Vec<&str> = from.split("::").filter(|part| !part.is_empty()).collect();
    for part in path {
        match part.as_str() {
            "crate" => at.clear(),
            "super" => _ = at.pop(),
            part => at.push(part),
        }
    }
    (0..=at.len()).rev().map(|length| at[..length].join("::")).find(|module| sources.contains_key(module))
}

/// The modules of a circle, where there is one.
fn circle(imports: &Imports) -> Option<Vec<String>> {
    imports.keys().find_map(|module| {
        let mut reached = BTreeMap::<&str, &str>::new();
        let mut waiting = vec![module.as_str()];
        while let Some(at) = waiting.pop() {
            for next in imports.get(at).into_iter().flatten() {
                if reached.insert(next, at).is_none() {
                    waiting.push(next);
                }
            }
        }
        reached.contains_key(module.as_str()).then(|| {
            let mut circle = vec![module.clone()];
            let mut at = reached[module.as_str()];
            while at != module {
                circle.push(at.to_owned());
                at = reached[at];
            }
            circle
        })
    })
}
