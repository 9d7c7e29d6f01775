//! The end of the results: mended where a run was killed, and with room on the disk for the verdicts of what is in flight.
//! The room is taken before anything is sent: a disk that fills up ends the sending, and loses no verdict.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

/// A result, with its JSON, is about this long; few are longer.
const RESULT_BYTES: u64 = 1024;

/// No more is taken, however much may be in flight.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// The room for what is in flight, and for as much that follows.
pub(super) fn room_for(in_flight: u64) -> u64 {
    in_flight.saturating_mul(2 * RESULT_BYTES).min(MOST_BYTES)
}

/// Room behind the end of a file.
pub(super) struct Room {
    file: File,
    reserve: u64,
    /// The room ends at this byte.
    until: u64,
}

impl Room {
    /// Takes room behind a file of this length.
    ///
    /// # Errors
    /// Where the disk has none.
    pub(super) fn take(file: File, length: u64, reserve: u64) -> io::Result<Self> {
        let mut room = Self { file, reserve, until: 0 };
        room.keep(length)?;
        Ok(room)
    }

    /// Takes more where the file, of this length by now, has used up half of it.
    ///
    /// # Errors
    /// Where the disk has no more. What was taken before stays.
    pub(super) fn keep(&mut self, length: u64) -> io::Result<()> {
        if self.until >= length + self.reserve / 2 {
            return Ok(());
        }
        match fallocate(&self.file, FallocateFlags::KEEP_SIZE, length, self.reserve) {
            // A file system that cannot promise room: a write that fails is seen then.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
                self.until = length + self.reserve;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Gives back what is left.
    pub(super) fn give_back(self) {
        // What stays taken is no more than `reserve`, and the next run uses it.
        if let Ok(metadata) = self.file.metadata() {
            let _ = self.file.set_len(metadata.len());
        }
    }
}

/// A run that was killed may have left half a line, which says nothing, or one without its end.
pub(super) fn end_of_results(file: &mut File, whole: u64) -> io::Result<()> {
    file.set_len(whole)?;
    if whole > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(())
}
