//! Paths among tokens that have no syntax tree: what a macro is given, the body of a macro, an attribute's arguments.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::ItemUse;

use crate::reader::text;

pub(crate) enum Found {
    Path(Vec<String>, Span),
    /// A whole `use`, which may bind words that the tokens after it need.
    Use(ItemUse),
}

/// Hands every path of `stream` to `found`, those in nested groups included.
pub(crate) fn paths(stream: &TokenStream, found: &mut dyn FnMut(Found)) {
    let trees: Vec<TokenTree> = stream.clone().into_iter().collect();
    let mut at = 0;
    while let Some(tree) = trees.get(at) {
        match tree {
            TokenTree::Group(group) => paths(&group.stream(), found),
            TokenTree::Ident(word) if *word == "use" => {
                let end = trees[at..].iter().position(|tree| is_punct(tree, ';')).map(|offset| at + offset);
                let import = end.and_then(|end| syn::parse2(trees[at..=end].iter().cloned().collect()).ok());
                if let (Some(end), Some(import)) = (end, import) {
                    found(Found::Use(import));
                    at = end;
                }
            }
            TokenTree::Ident(word) if !is_after_dot(&trees[..at]) => {
                let mut path = if is_global(&trees[..at]) { vec![String::new()] } else { Vec::new() };
                path.push(text(word));
                while let [colon, second, TokenTree::Ident(next), ..] = &trees[at + 1..]
                    && is_punct(colon, ':')
                    && is_punct(second, ':')
                {
                    path.push(text(next));
                    at += 3;
                }
                if let [colon, second, TokenTree::Group(group), ..] = &trees[at + 1..]
                    && is_punct(colon, ':')
                    && is_punct(second, ':')
                    && group.delimiter() == Delimiter::Brace
                {
                    prefixed(&path, &group.stream(), found);
                    at += 3;
                }
                found(Found::Path(path, word.span()));
            }
            _ => {}
        }
        at += 1;
    }
}

/// Hands every path that stands in a string of `stream` to `found`.
pub(crate) fn strings(stream: &TokenStream, found: &mut dyn FnMut(syn::Path)) {
    for tree in stream.clone() {
        match tree {
            TokenTree::Group(group) => strings(&group.stream(), found),
            TokenTree::Literal(literal) => {
                let path = syn::parse2::<syn::LitStr>(TokenTree::from(literal).into());
                if let Ok(path) = path.and_then(|string| string.parse::<syn::Path>()) {
                    found(path);
                }
            }
            _ => {}
        }
    }
}

/// A group after `a::` in a `use` with a macro's variables in it, which is no syntax yet.
fn prefixed(prefix: &[String], group: &TokenStream, found: &mut dyn FnMut(Found)) {
    paths(group, &mut |inner| match inner {
        Found::Path(path, span) => found(Found::Path([prefix, &path[..]].concat(), span)),
        other @ Found::Use(_) => found(other),
    });
}

fn is_punct(tree: &TokenTree, sign: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign)
}

/// Whether the next word is a field or a method. After `..`, the end of a range, it is not.
fn is_after_dot(before: &[TokenTree]) -> bool {
    match before {
        [.., earlier, last] => is_punct(last, '.') && !is_punct(earlier, '.'),
        [last] => is_punct(last, '.'),
        [] => false,
    }
}

/// Whether the next word follows a `::` that nothing stands before, as in `::h2::Reason`.
fn is_global(before: &[TokenTree]) -> bool {
    match before {
        [rest @ .., colon, second] if is_punct(colon, ':') && is_punct(second, ':') => match rest.last() {
            Some(TokenTree::Ident(_)) => false,
            Some(tree) => !is_punct(tree, '>'),
            None => true,
        },
        _ => false,
    }
}
