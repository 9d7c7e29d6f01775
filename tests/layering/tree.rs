//! The modules of every crate of the repository, as they are compiled without tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::reader::Reader;

/// The path of a module or an item; its first segment is the crate.
pub(crate) type Address = Vec<String>;

/// What a word means in a module.
pub(crate) enum Binding {
    /// The module defines it.
    Definition,
    /// It stands for the path, which is read as the module would read it.
    Alias(Vec<String>),
}

/// A path that stands somewhere in a module.
pub(crate) struct Name {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
    pub(crate) stands_in: StandsIn,
}

/// Where a path stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum StandsIn {
    /// A `use` or an `extern crate` for the module's own needs.
    Import,
    /// A `use` with a visibility, which hands the path on to others.
    Reexport,
    /// An expression, a type, a pattern, an attribute or a macro.
    Code,
}

/// One module, inline or in a file of its own.
#[derive(Default)]
pub(crate) struct Module {
    /// The module's file, from the root of the repository.
    pub(crate) file: PathBuf,
    pub(crate) scope: BTreeMap<String, Vec<Binding>>,
    pub(crate) globs: Vec<Vec<String>>,
    pub(crate) names: Vec<Name>,
}

pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    pub(crate) modules: BTreeMap<Address, Module>,
}

impl Tree {
    /// Reads every crate below `root`: the package itself, and those in `crates/`.
    pub(crate) fn read(root: &Path) -> Tree {
        let mut tree = Tree { root: root.to_owned(), modules: BTreeMap::new() };
        for folder in packages(root) {
            let src = folder.join("src");
            tree.read_file(vec![library_name(&folder)], &src.join("lib.rs"), &src);
            let main = src.join("main.rs");
            if main.is_file() {
                tree.read_file(vec!["main".to_owned()], &main, &src);
            }
        }
        tree
    }

    /// Reads the module at `address` from `file`; the files of its children are in `children`.
    pub(crate) fn read_file(&mut self, address: Address, file: &Path, children: &Path) {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Reader::new(self, address, file, children).read(&syntax);
    }

    /// Where the child module `name` is that a file with its children in `children` declares.
    pub(crate) fn child_file(children: &Path, name: &str) -> PathBuf {
        let flat = children.join(format!("{name}.rs"));
        if flat.is_file() { flat } else { children.join(name).join("mod.rs") }
    }
}

/// The folders of all packages, the root's own first.
pub(crate) fn packages(root: &Path) -> Vec<PathBuf> {
    let mut folders = vec![root.to_owned()];
    if let Ok(crates) = fs::read_dir(root.join("crates")) {
        folders.extend(
            crates.map(|entry| entry.unwrap().path()).filter(|path| path.join("Cargo.toml").is_file()),
        );
    }
    folders.sort();
    folders
}

/// The name by which other crates know the library of the package in `folder`.
fn library_name(folder: &Path) -> String {
    let manifest = folder.join("Cargo.toml");
    let text =
        fs::read_to_string(&manifest).unwrap_or_else(|error| panic!("{}: {error}", manifest.display()));
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", manifest.display()));
    let name = |table_name: &str| table.get(table_name)?.get("name")?.as_str();
    name("lib").or_else(|| name("package")).unwrap().replace('-', "_")
}
