//! What was handed to a gateway, noted before it is: beside the results, so that a run that is killed leaves behind
//! which of its pushes are in doubt.
//!
//! The first line says which content it is of, and how long the results were when the run began. Each message of a
//! stream is one line more, written by one call before the message may leave; what a gateway hands back unsent is
//! noted likewise. A push that is noted, and neither handed back nor in the results of that run, is in doubt. A run
//! that ends in order leaves no journal.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::identity::Key;
use super::item::Item;

/// A line is far shorter: it names the pushes of one message.
const MAX_LINE_BYTES: u64 = 16 * 1024 * 1024;

/// A line of the journal.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    /// A run begins.
    Run { content: String, results: u64 },
    /// These are about to be written.
    Sent(Vec<Noted>),
    /// These were handed back: they were not sent.
    Back(Vec<Noted>),
}

/// A push: its id, its occurrence, and the number of its line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Noted(pub(super) String, pub(super) u32, pub(super) u64);

impl Noted {
    pub(super) fn key(&self) -> Key {
        Key::of(&self.0, self.1)
    }
}

/// The journal of a run.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: Mutex<File>,
}

/// What a killed run left behind.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// How long the results were when it began.
    pub(super) results: u64,
    noted: HashMap<Key, Noted>,
}

impl Left {
    /// A push of it has its verdict.
    pub(super) fn settle(&mut self, key: Key) {
        self.noted.remove(&key);
    }

    /// The pushes that may have been sent, in the order of their lines.
    pub(super) fn in_doubt(self) -> Vec<Noted> {
        let mut noted: Vec<_> = self.noted.into_values().collect();
        noted.sort_unstable_by_key(|noted| noted.2);
        noted
    }
}

/// Where the journal of these results is.
pub(super) fn beside(results: &Path) -> PathBuf {
    let mut path = results.as_os_str().to_owned();
    path.push(".journal");
    path.into()
}

/// Reads what a killed run left; nothing where there is no journal.
///
/// # Errors
/// Where it cannot be read, is none, or is of another content.
pub(super) fn read(path: &Path, content: &str) -> anyhow::Result<Left> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Left::default()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    left(BufReader::new(file), content).with_context(|| format!("cannot use the journal {}", path.display()))
}

fn left(mut lines: impl BufRead, content: &str) -> anyhow::Result<Left> {
    let mut left = Left::default();
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        let read = (&mut lines).take(MAX_LINE_BYTES).read_until(b'\n', &mut text)?;
        if read == 0 {
            break;
        }
        let line = match serde_json::from_slice(&text) {
            Ok(line) => line,
            // It was being written when the run was killed, so its message never left.
            Err(_) if !text.ends_with(b"\n") => break,
            Err(error) => return Err(error).with_context(|| format!("line {number} is none of a journal")),
        };
        match (line, number) {
            (Line::Run { content: found, results }, 1) => {
                ensure!(found == content, "it is of another content ({found}, and this is {content})");
                left.results = results;
            }
            (Line::Sent(sent), 2..) => left.noted.extend(sent.into_iter().map(|noted| (noted.key(), noted))),
            (Line::Back(back), 2..) => back.iter().for_each(|noted| left.settle(noted.key())),
            _ => anyhow::bail!("line {number} is not where it belongs"),
        }
    }
    Ok(left)
}

impl Journal {
    /// Begins the journal of a run whose results have this length.
    ///
    /// # Errors
    /// Where it cannot be written: then nothing may be sent.
    pub(super) fn begin(path: &Path, content: &str, results: u64) -> anyhow::Result<Self> {
        let begin = || {
            let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
            let journal = Self { path: path.to_owned(), file: Mutex::new(file) };
            journal.write(&Line::Run { content: content.to_owned(), results })?;
            Ok::<_, std::io::Error>(journal)
        };
        begin().with_context(|| format!("cannot write the journal {}; nothing was sent", path.display()))
    }

    /// Notes what is about to be written.
    ///
    /// # Errors
    /// Where it cannot be noted: then it must not be sent.
    pub(super) fn sent<'a>(&self, items: impl IntoIterator<Item = &'a Item>) -> std::io::Result<()> {
        self.write(&Line::Sent(noted(items)))
    }

    /// Notes what was provably not sent.
    ///
    /// # Errors
    /// Where it cannot be noted: then a run after a kill calls it in doubt.
    pub(super) fn back<'a>(&self, items: impl IntoIterator<Item = &'a Item>) -> std::io::Result<()> {
        let items = noted(items);
        if items.is_empty() { Ok(()) } else { self.write(&Line::Back(items)) }
    }

    /// Ends a run that leaves nothing in doubt.
    ///
    /// # Errors
    /// Where it cannot be removed: it says nothing that the results do not.
    pub(super) fn end(&self) -> std::io::Result<()> {
        std::fs::remove_file(&self.path)
    }

    /// One call for one line, so that a kill leaves a whole line or the beginning of one.
    fn write(&self, line: &Line) -> std::io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&text)
    }
}

fn noted<'a>(items: impl IntoIterator<Item = &'a Item>) -> Vec<Noted> {
    items.into_iter().map(|item| Noted(item.id.clone(), item.occurrence, item.line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOURNAL: &str = r#"{"run":{"content":"c","results":70}}
{"sent":[["a",0,1],["b",0,2],["b",1,3]]}
{"back":[["b",0,2]]}
{"sent":[["d",0,5],["e",0,4]]}
{"sent":[["f",0,6"#;

    #[test]
    fn what_is_noted_and_neither_handed_back_nor_settled_is_in_doubt() {
        let mut left = left(JOURNAL.as_bytes(), "c").unwrap();
        assert_eq!(left.results, 70);
        left.settle(Key::of("a", 0));
        let in_doubt: Vec<_> = left.in_doubt().into_iter().map(|noted| (noted.0, noted.1)).collect();
        assert_eq!(in_doubt, [("b".to_owned(), 1), ("e".to_owned(), 0), ("d".to_owned(), 0)]);
    }

    #[test]
    fn another_file_or_content_is_refused() {
        for (text, why) in [
            ("nonsense\n", "none of a journal"),
            ("{\"sent\":[]}\n", "not where it belongs"),
            ("{\"run\":{\"content\":\"d\",\"results\":0}}\n", "another content"),
        ] {
            let error = format!("{:#}", left(text.as_bytes(), "c").unwrap_err());
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_run_that_ends_in_order_leaves_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = beside(&folder.path().join("results.ndjson"));
        let journal = Journal::begin(&path, "c", 7).unwrap();
        assert_eq!(read(&path, "c").unwrap().results, 7);
        journal.end().unwrap();
        assert_eq!(read(&path, "c").unwrap().results, 0);
        let missing = folder.path().join("no/such/folder.journal");
        let error = Journal::begin(&missing, "c", 0).unwrap_err();
        assert!(format!("{error:#}").contains("nothing was sent"), "{error:#}");
    }
}
