//! Which files of one part of the house need each other.
//!
//! A file needs another when it names something that the other defines. That a parent declares its child, or hands on
//! what the child defines, is no need; a child that names a definition of its parent is one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::findings::{place, top};
use crate::tree::{StandsIn, Tree};

/// What a file needs of another: each definition, and the first line that names it.
type Needed = BTreeMap<String, usize>;

/// For each file, the files of the same part that it needs.
type Needs = BTreeMap<PathBuf, BTreeMap<PathBuf, Needed>>;

/// Files that all need each other, directly or through the others.
pub(crate) struct Circle {
    /// The files' places, in order.
    pub(crate) places: Vec<String>,
    needs: Needs,
}

impl fmt::Debug for Circle {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(to, "{:?},", self.places)?;
        for (file, others) in &self.needs {
            for (other, needed) in others {
                let line = needed.values().min().unwrap();
                let needed = needed.keys().cloned().collect::<Vec<_>>().join(", ");
                writeln!(to, "    {}:{line} needs {needed} of {}", file.display(), other.display())?;
            }
        }
        Ok(())
    }
}

/// Every circle of files below `root`, by the first of its places.
pub(crate) fn circles(root: &Path) -> Vec<Circle> {
    let tree = Tree::read(root);
    let mut places = BTreeMap::new();
    for (address, module) in &tree.modules {
        // The module of a whole file comes before those that stand in it.
        places.entry(&module.file).or_insert_with(|| place(address).unwrap());
    }
    let needs = needs(&tree);
    let reached: BTreeMap<_, _> = needs.keys().map(|file| (file, reachable(&needs, file))).collect();
    let mut circles = BTreeMap::new();
    for (file, others) in reached.iter().filter(|(file, others)| others.contains(*file)) {
        let returns = |other: &&PathBuf| reached.get(other).is_some_and(|others| others.contains(file));
        let files: BTreeSet<&PathBuf> = others.iter().copied().filter(returns).collect();
        let mut places: Vec<String> = files.iter().map(|file| places[file].clone()).collect();
        places.sort();
        circles.entry(places).or_insert(files);
    }
    let within = |files: &BTreeSet<&PathBuf>| {
        let mut needs = needs.clone();
        needs.retain(|file, _| files.contains(file));
        needs.values_mut().for_each(|others| others.retain(|other, _| files.contains(other)));
        needs
    };
    circles.into_iter().map(|(places, files)| Circle { places, needs: within(&files) }).collect()
}

fn needs(tree: &Tree) -> Needs {
    let mut needs = Needs::new();
    for (from, module) in &tree.modules {
        for name in module.names.iter().filter(|name| name.stands_in != StandsIn::Reexport) {
            for address in tree.addresses(from, &name.path) {
                let Some((item, definer)) = tree.definition(&address) else { continue };
                let item = place(item).unwrap();
                if top(&item) == top(&place(from).unwrap()) && definer.file != module.file {
                    let others = needs.entry(module.file.clone()).or_default();
                    let line =
                        others.entry(definer.file.clone()).or_default().entry(item).or_insert(name.line);
                    *line = name.line.min(*line);
                }
            }
        }
    }
    needs
}

/// The files that `start` needs, directly or through others; itself where it is in a circle.
fn reachable<'a>(needs: &'a Needs, start: &'a PathBuf) -> BTreeSet<&'a PathBuf> {
    let mut reached = BTreeSet::new();
    let mut next = vec![start];
    while let Some(file) = next.pop() {
        let others = needs.get(file).into_iter().flat_map(BTreeMap::keys);
        next.extend(others.filter(|other| reached.insert(*other)));
    }
    reached
}
