//! What a path leads to: through `crate`, `self` and `super`, aliases, globs and re-exports.

use std::collections::BTreeSet;

use crate::tree::{Address, Binding, Module, Tree};

impl Tree {
    /// Every address that `path`, written in the module `from`, passes on its way, the last included. A path that
    /// starts with a word that nothing here binds starts with a crate.
    pub(crate) fn addresses(&self, from: &[String], path: &[String]) -> BTreeSet<Address> {
        let mut passed = BTreeSet::new();
        let expanding = &mut BTreeSet::new();
        self.follow(&self.absolute(from, path, expanding), &mut passed, expanding);
        passed
    }

    /// The item of this repository that `address` leads into, and the module that defines it.
    pub(crate) fn definition<'a>(&self, address: &'a [String]) -> Option<(&'a [String], &Module)> {
        let (path, rest) = self.split(address)?;
        let module = &self.modules[path];
        let is_defined = |binding: &Binding| matches!(binding, Binding::Definition);
        module.scope.get(rest.first()?)?.iter().any(is_defined).then(|| (&address[..=path.len()], module))
    }

    /// The longest module that `address` starts with, and what follows it.
    fn split<'a>(&self, address: &'a [String]) -> Option<(&'a [String], &'a [String])> {
        let known = |length: &usize| self.modules.contains_key(&address[..*length]);
        let length = (1..=address.len()).take_while(known).last()?;
        Some(address.split_at(length))
    }

    /// `expanding` are the modules whose globs are being followed: a glob that leads back to itself ends there.
    fn absolute(&self, from: &[String], path: &[String], expanding: &mut BTreeSet<Address>) -> Address {
        let Some((first, rest)) = path.split_first() else { return from.to_owned() };
        let below = match first.as_str() {
            "" => return rest.to_owned(),
            "crate" => return [&from[..1], rest].concat(),
            "self" => from,
            "super" => &from[..from.len().max(2) - 1],
            word if self.binds(from, word, expanding) => return [from, path].concat(),
            _ => return path.to_owned(),
        };
        match rest.first().map(String::as_str) {
            Some("super") => self.absolute(below, rest, expanding),
            _ => [below, rest].concat(),
        }
    }

    fn follow(&self, address: &Address, passed: &mut BTreeSet<Address>, expanding: &mut BTreeSet<Address>) {
        if !passed.insert(address.clone()) {
            return;
        }
        let Some((module, [word, rest @ ..])) = self.split(address) else { return };
        if let Some(bindings) = self.modules[module].scope.get(word) {
            for binding in bindings {
                if let Binding::Alias(path) = binding {
                    // `use h2;` binds the word that it names: it means the crate, not itself.
                    let target = match path.first() {
                        Some(first) if first == word => path.clone(),
                        _ => self.absolute(module, path, expanding),
                    };
                    self.follow(&[&target[..], rest].concat(), passed, expanding);
                }
            }
        } else {
            for glob in self.glob_modules(module, expanding) {
                if self.binds(&glob, word, expanding) {
                    self.follow(&[&glob[..], &address[module.len()..]].concat(), passed, expanding);
                }
            }
        }
    }

    /// Whether `word` means something in the module: a child, an item, an import, or what a glob brings.
    fn binds(&self, module: &[String], word: &str, expanding: &mut BTreeSet<Address>) -> bool {
        let Some(known) = self.modules.get(module) else { return false };
        self.modules.contains_key(&[module, &[word.to_owned()]].concat())
            || known.scope.contains_key(word)
            || self.glob_modules(module, expanding).iter().any(|glob| self.binds(glob, word, expanding))
    }

    /// The modules of this repository whose items a module imports by globs.
    fn glob_modules(&self, module: &[String], expanding: &mut BTreeSet<Address>) -> BTreeSet<Address> {
        let mut found = BTreeSet::new();
        if expanding.insert(module.to_owned()) {
            for path in &self.modules[module].globs {
                let mut passed = BTreeSet::new();
                self.follow(&self.absolute(module, path, expanding), &mut passed, expanding);
                found.extend(passed.into_iter().filter(|address| self.modules.contains_key(address)));
            }
            expanding.remove(module);
        }
        found
    }
}
