//! Sees when a file of the configuration has changed.
//!
//! The files are looked at in turns, since notifications of the kernel do not come from network file systems, are limited in
//! number for a user, and are about folders where a symlink is swapped, as Kubernetes does it. A look is a `stat` for each file.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::config::ReloadSettings;
use crate::files::FilesRead;

/// The files of the configuration that was read last.
pub(super) struct WatchedFiles {
    settings: ReloadSettings,
    read: FilesRead,
    /// What the last look has seen, where that is something else than what was read.
    seen: Option<FilesRead>,
    ticks: tokio::time::Interval,
}

impl WatchedFiles {
    pub(super) fn new(settings: ReloadSettings, read: FilesRead) -> Self {
        Self { settings, read, seen: None, ticks: ticks(settings.check_every) }
    }

    /// The configuration was read again, from these files.
    pub(super) fn were_read(&mut self, read: FilesRead) {
        (self.read, self.seen) = (read, None);
    }

    /// These settings hold from now on.
    pub(super) fn change(&mut self, settings: ReloadSettings) {
        if settings != self.settings {
            *self = Self::new(settings, std::mem::take(&mut self.read));
        }
    }

    /// Waits until the files are others than those that were read, and two looks in a row have seen the same. Whoever writes
    /// several files one after the other is read once, and a file that is being written is not read in the middle.
    ///
    /// # Cancel safety
    /// What was seen is kept when the future is dropped.
    pub(super) async fn changed(&mut self) {
        if !self.settings.on_change {
            return std::future::pending().await;
        }
        loop {
            self.ticks.tick().await;
            let files = self.read.clone();
            // A look blocks its thread. Where none can be had, the next look makes up for it.
            let Ok(now) = tokio::task::spawn_blocking(move || files.look()).await else { continue };
            let others = (now != self.read).then_some(now);
            if others.is_some() && others == self.seen {
                return;
            }
            self.seen = others;
        }
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

#[cfg(test)]
mod tests {
    use tokio::time::{pause, timeout};

    use super::*;

    const EVERY: Duration = Duration::from_secs(5);

    /// A file, and who watches it, half of the interval after the first look: from here on one look is in each interval.
    async fn watched(on_change: bool) -> (tempfile::NamedTempFile, WatchedFiles) {
        pause();
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut files = WatchedFiles::new(ReloadSettings { on_change, check_every: EVERY }, read(&file));
        assert!(timeout(EVERY / 2, files.changed()).await.is_err());
        (file, files)
    }

    fn read(file: &tempfile::NamedTempFile) -> FilesRead {
        let mut read = FilesRead::default();
        read.read(file.path().to_owned()).unwrap();
        read
    }

    #[tokio::test]
    async fn a_file_that_is_still_being_written_is_not_read() {
        let (file, mut files) = watched(true).await;
        for written in ["a", "ab", "abc"] {
            std::fs::write(file.path(), written).unwrap();
            assert!(timeout(EVERY, files.changed()).await.is_err(), "one look has seen {written}");
        }
        assert!(timeout(EVERY, files.changed()).await.is_ok(), "two looks have seen the same");
        files.were_read(read(&file));
        assert!(timeout(3 * EVERY, files.changed()).await.is_err(), "what was read is not read again");
    }

    #[tokio::test]
    async fn without_on_change_nothing_is_looked_at() {
        let (file, mut files) = watched(false).await;
        std::fs::write(file.path(), "a").unwrap();
        assert!(timeout(9 * EVERY, files.changed()).await.is_err());
    }
}
