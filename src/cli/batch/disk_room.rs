//! Room on the disk behind the end of the results, for the verdicts of pushes in flight. It is taken before anything is
//! sent, so that a disk that fills up ends the sending and loses no verdict. The end itself is mended if a run was killed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

/// Few results are longer than this as JSON.
const RESULT_BYTES: u64 = 1024;

/// The most room that is taken, however many pushes may be in flight.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// How many bytes to take for so many pushes in flight: twice what their verdicts need, since more is taken only when half
/// of it is used up.
pub(super) fn room_for(in_flight: u64) -> u64 {
    in_flight.saturating_mul(2 * RESULT_BYTES).min(MOST_BYTES)
}

/// Room on the disk that is taken behind the end of a file.
pub(super) struct DiskRoom {
    file: File,
    reserve: u64,
    /// The byte at which the room ends.
    until: u64,
}

impl DiskRoom {
    /// Takes room behind a file of this length.
    ///
    /// # Errors
    /// Fails if the disk has no room.
    pub(super) fn take(file: File, length: u64, reserve: u64) -> io::Result<Self> {
        let mut room = Self { file, reserve, until: 0 };
        room.keep(length)?;
        Ok(room)
    }

    /// Takes more room if the file, which has this length now, has used up half of it.
    ///
    /// # Errors
    /// Fails if the disk has no more room. The room that was taken before stays.
    pub(super) fn keep(&mut self, length: u64) -> io::Result<()> {
        if self.until >= length + self.reserve / 2 {
            return Ok(());
        }
        match fallocate(&self.file, FallocateFlags::KEEP_SIZE, length, self.reserve) {
            // This file system cannot promise room. If the disk fills up, the write that fails says so.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
                self.until = length + self.reserve;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Gives back the room that is left.
    pub(super) fn give_back(self) {
        // If this fails, at most `reserve` bytes stay taken, and the next run uses them.
        if let Ok(metadata) = self.file.metadata() {
            let _ = self.file.set_len(metadata.len());
        }
    }
}

/// Mends the end of the results. A run that was killed may have left half a line, which is cut off, or a whole one without
/// its line break, which is added.
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
