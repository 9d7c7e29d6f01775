//! What was handed to a gateway, noted before it is: beside the results, so that a run that is killed leaves behind
//! which of its pushes are in doubt.
//!
//! The first line says which content it is of, and how long the results were when the run began. Each message of a
//! stream is one line more, written by one call before the message may leave; what a gateway hands back unsent is
//! noted likewise. A push that is noted, and neither handed back nor in the results of that run, is in doubt. A run
//! that ends in order leaves no journal.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, bail, ensure};
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
    /// With the length of its whole lines.
    file: Mutex<(File, u64)>,
}

/// Where the journal of these results is.
pub(super) fn beside(results: &Path) -> PathBuf {
    let mut path = results.as_os_str().to_owned();
    path.push(".journal");
    path.into()
}

/// What a killed run left.
pub(super) struct Left {
    lines: Box<dyn BufRead>,
    /// How long the results were when it began.
    pub(super) results: u64,
}

/// Opens what a killed run left; none where there is no journal, or one that was not begun.
///
/// # Errors
/// Where it cannot be read, is none, or is of another content.
pub(super) fn open(path: &Path, content: &str) -> anyhow::Result<Option<Left>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let unusable = || format!("cannot use the journal {}", path.display());
    Left::begin(BufReader::new(file), content).with_context(unusable)
}

impl Left {
    fn begin(mut lines: impl BufRead + 'static, content: &str) -> anyhow::Result<Option<Self>> {
        match next_line(&mut lines)? {
            None => Ok(None),
            Some(Line::Run { content: found, results }) => {
                ensure!(found == content, "it is of another content ({found}, and this is {content})");
                Ok(Some(Self { lines: Box::new(lines), results }))
            }
            Some(Line::Sent(_) | Line::Back(_)) => bail!("its first line is not that of a run"),
        }
    }

    /// The pushes that were noted, were not handed back, and have no verdict since: in the order of their lines. Only
    /// they are kept in memory.
    ///
    /// # Errors
    /// Where a line is none of a journal.
    pub(super) fn in_doubt(mut self, settled: &HashSet<Key>) -> anyhow::Result<Vec<Noted>> {
        let mut in_doubt = HashMap::new();
        while let Some(line) = next_line(&mut self.lines)? {
            match line {
                Line::Sent(sent) => {
                    let sent = sent.into_iter().map(|noted| (noted.key(), noted));
                    in_doubt.extend(sent.filter(|(key, _)| !settled.contains(key)));
                }
                Line::Back(back) => back.iter().for_each(|noted| {
                    in_doubt.remove(&noted.key());
                }),
                Line::Run { .. } => bail!("a run begins in its middle"),
            }
        }
        let mut in_doubt: Vec<_> = in_doubt.into_values().collect();
        in_doubt.sort_unstable_by_key(|noted| noted.2);
        Ok(in_doubt)
    }
}

/// None at the end, and where the last line was being written when the run was killed: its message never left.
fn next_line(lines: &mut impl BufRead) -> anyhow::Result<Option<Line>> {
    let mut text = Vec::new();
    lines.take(MAX_LINE_BYTES).read_until(b'\n', &mut text)?;
    if !text.ends_with(b"\n") {
        return Ok(None);
    }
    serde_json::from_slice(&text).map(Some).context("a line is none of a journal")
}

impl Journal {
    /// Begins the journal of a run whose results have this length.
    ///
    /// # Errors
    /// Where it cannot be written: then nothing may be sent.
    pub(super) fn begin(path: &Path, content: &str, results: u64) -> anyhow::Result<Self> {
        let begin = || {
            let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
            let journal = Self { path: path.to_owned(), file: Mutex::new((file, 0)) };
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
        let items = noted(items);
        if items.is_empty() { Ok(()) } else { self.write(&Line::Sent(items)) }
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
        let mut locked = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, length) = &mut *locked;
        let written = file.write_all(&text);
        match written {
            Ok(()) => *length += text.len() as u64,
            // Half a line would spoil the next one.
            Err(_) => _ = file.set_len(*length).and_then(|()| file.seek(SeekFrom::Start(*length))),
        }
        written
    }
}

/// Of a dry run nothing is ever in doubt: it delivers nothing.
fn noted<'a>(items: impl IntoIterator<Item = &'a Item>) -> Vec<Noted> {
    items
        .into_iter()
        .filter(|item| !item.dry_run)
        .map(|item| Noted(item.id.clone(), item.occurrence, item.line))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOURNAL: &str = r#"{"run":{"content":"c","results":70}}
{"sent":[["a",0,1],["b",0,2],["b",1,3]]}
{"back":[["b",0,2]]}
{"sent":[["d",0,5],["e",0,4]]}
{"sent":[["f",0,6"#;

    fn left(text: &'static str) -> anyhow::Result<Option<Left>> {
        Left::begin(text.as_bytes(), "c")
    }

    #[test]
    fn what_is_noted_and_neither_handed_back_nor_settled_is_in_doubt() {
        let left = left(JOURNAL).unwrap().unwrap();
        assert_eq!(left.results, 70);
        let in_doubt = left.in_doubt(&[Key::of("a", 0)].into()).unwrap();
        let in_doubt: Vec<_> = in_doubt.into_iter().map(|noted| (noted.0, noted.1)).collect();
        assert_eq!(in_doubt, [("b".to_owned(), 1), ("e".to_owned(), 0), ("d".to_owned(), 0)]);
    }

    #[test]
    fn another_file_or_content_is_refused() {
        for (text, why) in [
            ("nonsense\n", "none of a journal"),
            ("{\"sent\":[]}\n", "not that of a run"),
            ("{\"run\":{\"content\":\"d\",\"results\":0}}\n", "another content"),
        ] {
            let error = format!("{:#}", left(text).err().unwrap());
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(left("").unwrap().is_none());
        let twice =
            "{\"run\":{\"content\":\"c\",\"results\":0}}\n{\"run\":{\"content\":\"c\",\"results\":0}}\n";
        assert!(left(twice).unwrap().unwrap().in_doubt(&HashSet::new()).is_err());
    }

    #[test]
    fn a_run_that_ends_in_order_leaves_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = beside(&folder.path().join("results.ndjson"));
        let journal = Journal::begin(&path, "c", 7).unwrap();
        assert_eq!(open(&path, "c").unwrap().unwrap().results, 7);
        journal.end().unwrap();
        assert!(open(&path, "c").unwrap().is_none());
        let missing = folder.path().join("no/such/folder.journal");
        let error = Journal::begin(&missing, "c", 0).unwrap_err();
        assert!(format!("{error:#}").contains("nothing was sent"), "{error:#}");
    }
}
