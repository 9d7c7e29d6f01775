//! docs/log.md against the source: each line that the gateway may log has its row there, with its level, and no row is of
//! another.

use std::collections::BTreeSet;
use std::path::Path;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::ROOT;

/// Where the lines of a gateway come from. The commands log nothing of their own.
const SOURCES: [&str; 2] = ["src", "crates/upstream/src"];

/// The level of a line and its message.
type Line = (String, String);

/// Every line below this folder, but those of tests.
fn lines_below(folder: &Path, found: &mut BTreeSet<Line>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if path.is_dir() && name != "tests" {
            lines_below(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            let source: TokenStream = std::fs::read_to_string(&path).unwrap().parse().unwrap();
            lines_of(source, found);
        }
    }
}

/// Every line of a piece of source. The tokens are looked at and not the syntax, since a line may stand in another macro.
fn lines_of(source: TokenStream, found: &mut BTreeSet<Line>) {
    let tokens: Vec<TokenTree> = source.into_iter().collect();
    let mut for_tests = false;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Punct(end) if end.as_char() == ';' => for_tests = false,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && for_tests => {
                for_tests = false
            }
            TokenTree::Group(group) => {
                for_tests |= group.delimiter() == Delimiter::Bracket && group.to_string() == "[cfg (test)]";
                found.extend(level_before(&tokens[..at]).map(|level| (level, message(group))));
                lines_of(group.stream(), found);
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// The level of a line, where these are the tokens before its arguments.
fn level_before(tokens: &[TokenTree]) -> Option<String> {
    let [.., library, _, _, level, bang] = tokens else { return None };
    let level = level.to_string();
    let is_line = library.to_string() == "tracing" && bang.to_string() == "!";
    (is_line && ["error", "warn", "info"].contains(&level.as_str())).then(|| level.to_uppercase())
}

/// The message among the arguments of a line: the one that is a text and nothing else.
fn message(arguments: &Group) -> String {
    let tokens: Vec<TokenTree> = arguments.stream().into_iter().collect();
    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(comma) if comma.as_char() == ',');
    let mut messages = tokens.split(is_comma).filter_map(|argument| match argument {
        [TokenTree::Literal(text)] => syn::parse_str::<syn::LitStr>(&text.to_string()).ok(),
        _ => None,
    });
    messages.next().unwrap_or_else(|| panic!("a line without a message: {arguments}")).value()
}

/// The rows of the reference.
fn documented() -> BTreeSet<Line> {
    let reference = std::fs::read_to_string(Path::new(ROOT).join("docs/log.md")).unwrap();
    let rows = reference.lines().filter(|line| line.starts_with("| `"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, message, level, fields, meaning, to_do, _] = cells[..] else {
            panic!("not five cells: {line}")
        };
        assert!([fields, meaning, to_do].iter().all(|cell| !cell.is_empty()), "an empty cell: {line}");
        (level.to_owned(), message.trim_matches('`').to_owned())
    };
    rows.map(row).collect()
}

#[test]
fn the_reference_has_every_line_and_no_other() {
    let mut logged = BTreeSet::new();
    SOURCES.iter().for_each(|folder| lines_below(&Path::new(ROOT).join(folder), &mut logged));
    let documented = documented();
    let missing: Vec<_> = logged.difference(&documented).collect();
    let extra: Vec<_> = documented.difference(&logged).collect();
    assert!(missing.is_empty() && extra.is_empty(), "docs/log.md lacks {missing:#?}, and has {extra:#?}");
}

#[test]
fn lines_are_found_in_other_macros_and_not_in_tests() {
    let source = r#"
        fn work() { select! { () = done => tracing::info!(?peer, name = "x", "well {}", again) } }
        #[cfg(test)]
        use something;
        fn more() { tracing::error!(target: AUDIT, "broken: \
            mend it"); tracing::debug!("detail"); }
        #[cfg(test)]
        mod tests { fn test() { tracing::warn!("planted"); } }
    "#;
    let mut found = BTreeSet::new();
    lines_of(source.parse().unwrap(), &mut found);
    let expected = [("ERROR", "broken: mend it"), ("INFO", "well {}")];
    assert!(found.into_iter().eq(expected.map(|(level, message)| (level.to_owned(), message.to_owned()))));
}
