//! The files of a run that is repeated, and what stands in them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fanfare_simulator::Simulator;
use serde_json::Value;

use super::read;

/// A folder with a file of pushes and one for their results.
pub(super) struct Files {
    _folder: tempfile::TempDir,
    pushes: PathBuf,
    pub(super) results: PathBuf,
}

impl Files {
    pub(super) fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (pushes, results) = (folder.path().join(name), folder.path().join("results.ndjson"));
        Self { _folder: folder, pushes, results }
    }

    pub(super) fn write(&self, lines: impl IntoIterator<Item = String>) {
        std::fs::write(&self.pushes, lines.into_iter().collect::<String>()).unwrap();
    }

    pub(super) fn journal(&self) -> PathBuf {
        let mut path = self.results.clone().into_os_string();
        path.push(".journal");
        path.into()
    }

    pub(super) fn pushes(&self) -> &str {
        self.pushes.to_str().unwrap()
    }

    pub(super) fn results(&self) -> &str {
        self.results.to_str().unwrap()
    }
}

/// The last verdict of each push, by its id and occurrence.
pub(super) fn last(results: &Path) -> BTreeMap<(String, u64), Value> {
    let mut last = BTreeMap::new();
    for text in read(results).lines() {
        let result: Value = serde_json::from_str(text).unwrap();
        let occurrence = result["occurrence"].as_u64().unwrap_or(0);
        last.insert((result["id"].as_str().unwrap().to_owned(), occurrence), result);
    }
    last
}

/// How often a push to each device token may have been delivered.
pub(super) fn deliveries(simulator: &Simulator) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for entry in simulator.journal().entries().iter().filter(|entry| entry.may_be_delivered()) {
        *times.entry(entry.device_token().unwrap().to_owned()).or_default() += 1;
    }
    times
}
