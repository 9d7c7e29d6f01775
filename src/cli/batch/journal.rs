//! The journal of a run: a file beside the results in which each push is noted before it is sent to a gateway, so that a
//! run that is killed leaves behind which of its pushes are in doubt.
//!
//! The first line says which content the run sends, and how long the results were when it began. Each message of a
//! stream is one more line, which one call writes before the message may leave. Pushes that a gateway hands back unsent
//! are noted in the same way. A push that is noted, and neither handed back nor in the results of that run, is in doubt.
//! A run that ends in order leaves no journal.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use super::identity::LineKey;
use super::item::Item;

/// The longest line that is read. One is far shorter, because it names the pushes of one message.
const MAX_LINE_BYTES: u64 = 16 * 1024 * 1024;

/// A line of the journal.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum JournalLine {
    /// A run begins, which sends this content and whose results have this length.
    Run { content: String, results: u64 },
    /// These pushes are about to be written to a stream.
    Sent(Vec<NotedPush>),
    /// These pushes were handed back, so they were not sent.
    Back(Vec<NotedPush>),
}

/// A push as the journal names it: by its id, its occurrence, and the number of its line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NotedPush(pub(super) String, pub(super) u32, pub(super) u64);

impl NotedPush {
    pub(super) fn key(&self) -> LineKey {
        LineKey::of(&self.0, self.1)
    }
}

/// The journal of a run.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    /// The file, and how many bytes its whole lines have.
    file: Mutex<(File, u64)>,
}

/// The path of the journal that belongs to these results.
pub(super) fn beside(results: &Path) -> PathBuf {
    let mut path = results.as_os_str().to_owned();
    path.push(".journal");
    path.into()
}

/// The journal of a run that was killed.
pub(super) struct UnfinishedJournal {
    lines: Box<dyn BufRead>,
    /// How long the results were when the run began.
    pub(super) results: u64,
}

/// Opens the journal of a run that was killed. Returns `None` if there is no journal, or not even a first line in it.
///
/// # Errors
/// Fails if the file cannot be read, is no journal, or belongs to another content.
pub(super) fn open(path: &Path, content: &str) -> anyhow::Result<Option<UnfinishedJournal>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let unusable = || format!("cannot use the journal {}", path.display());
    UnfinishedJournal::begin(BufReader::new(file), content).with_context(unusable)
}

impl UnfinishedJournal {
    fn begin(mut lines: impl BufRead + 'static, content: &str) -> anyhow::Result<Option<Self>> {
        match next_line(&mut lines)? {
            None => Ok(None),
            Some(JournalLine::Run { content: found, results }) => {
                ensure!(found == content, "it is of another content ({found}, and this is {content})");
                Ok(Some(Self { lines: Box::new(lines), results }))
            }
            Some(JournalLine::Sent(_) | JournalLine::Back(_)) => bail!("its first line is not that of a run"),
        }
    }

    /// Finds the pushes that were noted, were not handed back, and have no verdict (`settled`), in the order of their lines.
    /// Only they are kept in memory.
    ///
    /// # Errors
    /// Fails if a line is not one of a journal.
    pub(super) fn in_doubt(mut self, settled: &HashSet<LineKey>) -> anyhow::Result<Vec<NotedPush>> {
        let mut in_doubt = HashMap::new();
        while let Some(line) = next_line(&mut self.lines)? {
            match line {
                JournalLine::Sent(sent) => {
                    let sent = sent.into_iter().map(|noted| (noted.key(), noted));
                    in_doubt.extend(sent.filter(|(key, _)| !settled.contains(key)));
                }
                JournalLine::Back(back) => back.iter().for_each(|noted| {
                    in_doubt.remove(&noted.key());
                }),
                JournalLine::Run { .. } => bail!("a run begins in its middle"),
            }
        }
        let mut in_doubt: Vec<_> = in_doubt.into_values().collect();
        in_doubt.sort_unstable_by_key(|noted| noted.2);
        Ok(in_doubt)
    }
}

/// Reads a line. Returns `None` at the end, and for a last line that was being written when the run was killed: the message
/// of that line never left.
fn next_line(lines: &mut impl BufRead) -> anyhow::Result<Option<JournalLine>> {
    let mut text = Vec::new();
    lines.take(MAX_LINE_BYTES).read_until(b'\n', &mut text)?;
    if !text.ends_with(b"\n") {
        return Ok(None);
    }
    serde_json::from_slice(&text).map(Some).context("a line is not one of a journal")
}

impl Journal {
    /// Begins the journal of a run whose results have this length.
    ///
    /// # Errors
    /// Fails if the journal cannot be written. Then nothing may be sent.
    pub(super) fn begin(path: &Path, content: &str, results: u64) -> anyhow::Result<Self> {
        let begin = || {
            let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
            let journal = Self { path: path.to_owned(), file: Mutex::new((file, 0)) };
            journal.write(&JournalLine::Run { content: content.to_owned(), results })?;
            Ok::<_, std::io::Error>(journal)
        };
        begin().with_context(|| format!("cannot write the journal {}; nothing was sent", path.display()))
    }

    /// Notes pushes that are about to be sent.
    ///
    /// # Errors
    /// Fails if they cannot be noted. Then they must not be sent.
    pub(super) fn sent<'a>(&self, items: impl IntoIterator<Item = &'a Item>) -> std::io::Result<()> {
        let items = noted(items);
        if items.is_empty() { Ok(()) } else { self.write(&JournalLine::Sent(items)) }
    }

    /// Notes pushes that were provably not sent.
    ///
    /// # Errors
    /// Fails if they cannot be noted. If the run is killed then, the next one takes them for pushes in doubt.
    pub(super) fn back<'a>(&self, items: impl IntoIterator<Item = &'a Item>) -> std::io::Result<()> {
        let items = noted(items);
        if items.is_empty() { Ok(()) } else { self.write(&JournalLine::Back(items)) }
    }

    /// Removes the journal, because the run leaves nothing in doubt.
    ///
    /// # Errors
    /// Fails if it cannot be removed. That does no harm: every push that it names is in the results.
    pub(super) fn end(&self) -> std::io::Result<()> {
        std::fs::remove_file(&self.path)
    }

    /// Writes a line by one call, so that a kill leaves a whole line or the beginning of one.
    fn write(&self, line: &JournalLine) -> std::io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let mut locked = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, length) = &mut *locked;
        let written = file.write_all(&text);
        match written {
            Ok(()) => *length += text.len() as u64,
            // Half a line is taken off again, because it would spoil the next one.
            Err(_) => _ = file.set_len(*length).and_then(|()| file.seek(SeekFrom::Start(*length))),
        }
        written
    }
}

/// Names the items. Dry runs are left out: they deliver nothing, so they are never in doubt.
fn noted<'a>(items: impl IntoIterator<Item = &'a Item>) -> Vec<NotedPush> {
    items
        .into_iter()
        .filter(|item| !item.dry_run)
        .map(|item| NotedPush(item.id.clone(), item.occurrence, item.line))
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

    fn left(text: &'static str) -> anyhow::Result<Option<UnfinishedJournal>> {
        UnfinishedJournal::begin(text.as_bytes(), "c")
    }

    #[test]
    fn what_is_noted_and_neither_handed_back_nor_settled_is_in_doubt() {
        let left = left(JOURNAL).unwrap().unwrap();
        assert_eq!(left.results, 70);
        let in_doubt = left.in_doubt(&[LineKey::of("a", 0)].into()).unwrap();
        let in_doubt: Vec<_> = in_doubt.into_iter().map(|noted| (noted.0, noted.1)).collect();
        assert_eq!(in_doubt, [("b".to_owned(), 1), ("e".to_owned(), 0), ("d".to_owned(), 0)]);
    }

    #[test]
    fn another_file_or_content_is_refused() {
        for (text, why) in [
            ("nonsense\n", "not one of a journal"),
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
