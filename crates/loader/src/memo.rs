//! Verdicts that are known already.
//!
//! A verifier that asks elsewhere is slow, and policies repeat themselves: what it said of a prompt and a response is kept,
//! in memory and, once it is told where, in a file a process. That a verdict is known changes no result and no budget: equal
//! texts have equal verdicts. What has none is asked about again.

use pstar_core::data::SequenceBatch;
use pstar_core::files::sha256_bytes;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

/// Greatest number of verdicts that are kept: some 400 MB of memory.
const MOST: usize = 1 << 23;

/// A prompt and a response: 128 bits of a hash, so that among a thousand million pairs two share a key by a chance of
/// 10^−21.
type Key = [u8; 16];

/// Verdicts of one verifier, by prompt and response.
#[derive(Debug, Default)]
pub struct Memo {
    known: RwLock<HashMap<Key, u8>>,
    file: Mutex<Keeping>,
}

/// Where verdicts go.
#[derive(Debug)]
enum Keeping {
    /// Nowhere yet: the lines that wait.
    Waiting(String),
    /// To a file that is made once there is something to write.
    At(PathBuf),
    /// To a file.
    File(File),
    /// Nowhere any more, since the file could not be written.
    Failed,
}

impl Default for Keeping {
    fn default() -> Self {
        Self::Waiting(String::new())
    }
}

impl Keeping {
    fn write(&mut self, lines: &str) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        if let Self::At(path) = self {
            *self = Self::File(OpenOptions::new().create(true).append(true).open(path)?);
        }
        match self {
            Self::Waiting(waiting) => waiting.push_str(lines),
            Self::File(file) => file.write_all(lines.as_bytes())?,
            Self::At(_) | Self::Failed => {}
        }
        Ok(())
    }
}

impl Memo {
    /// Takes up what files of a folder hold; there need be none. Lines that were not written to their end are passed over.
    ///
    /// # Errors
    /// If the folder or a file cannot be read.
    pub fn take_up(&self, folder: &Path) -> io::Result<()> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            let bytes = fs::read(entry?.path())?;
            for line in bytes.split_inclusive(|&byte| byte == b'\n') {
                if known.len() < MOST
                    && let Some((key, number)) = read_line(line)
                {
                    known.insert(key, number);
                }
            }
        }
        Ok(())
    }

    /// Writes what became known here, and from now on what becomes known, to a file of this process's own. Where it cannot be
    /// written to the end, nothing more is kept: it is no result.
    pub fn keep_in(&self, file: PathBuf) {
        let mut keeping = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Keeping::Waiting(waiting) = &mut *keeping {
            let lines = std::mem::take(waiting);
            *keeping = Keeping::At(file);
            if keeping.write(&lines).is_err() {
                *keeping = Keeping::Failed;
            }
        }
    }

    /// Number of verdicts.
    pub fn len(&self) -> usize {
        self.known.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The verdicts of pairs, as numbers of the boundary; `None` where they are not known.
    pub(crate) fn find(&self, keys: &[Key]) -> Vec<Option<u8>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter().map(|key| known.get(key).copied()).collect()
    }

    /// Adds verdicts that became known.
    pub(crate) fn add(&self, verdicts: impl Iterator<Item = (Key, u8)>) {
        let mut lines = String::new();
        {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            for (key, number) in verdicts {
                if known.len() < MOST && known.insert(key, number).is_none() {
                    lines.push_str(&line(&key, number));
                }
            }
        }
        let mut keeping = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if keeping.write(&lines).is_err() {
            *keeping = Keeping::Failed;
        }
    }
}

/// The keys of the pairs of a batch.
pub(crate) fn keys(batch: &SequenceBatch<'_>) -> Vec<Key> {
    let mut bytes = Vec::new();
    let rows = batch.tokens().rows().zip(batch.prompt_of());
    rows.map(|(tokens, &prompt)| {
        bytes.clear();
        let prompt = batch.prompts().row(prompt as usize);
        // The length tells where the prompt ends.
        bytes.extend((prompt.len() as u64).to_le_bytes());
        bytes.extend(prompt.iter().chain(tokens).flat_map(|token| token.to_le_bytes()));
        let hash = sha256_bytes(&bytes);
        std::array::from_fn(|i| hash[i])
    })
    .collect()
}

fn line(key: &Key, number: u8) -> String {
    let mut line = String::with_capacity(2 * key.len() + 3);
    for byte in key {
        let _ = write!(line, "{byte:02x}");
    }
    let _ = writeln!(line, " {number}");
    line
}

fn read_line(line: &[u8]) -> Option<(Key, u8)> {
    let [hex @ .., b' ', number @ (b'0' | b'1' | b'3' | b'4'), b'\n'] = line else { return None };
    let mut key = Key::default();
    if hex.len() != 2 * key.len() {
        return None;
    }
    for (byte, digits) in key.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some((key, number - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_torn_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = ([7; 16], [0xab; 16]);
        let memo = Memo::default();
        memo.add([(first, 1)].into_iter());
        memo.keep_in(folder.path().join("a.txt"));
        memo.add([(second, 3), (first, 1)].into_iter());
        let text = fs::read_to_string(folder.path().join("a.txt")).unwrap();
        assert_eq!(text, format!("{} 1\n{} 3\n", "07".repeat(16), "ab".repeat(16)));
        // Another process, killed as it wrote.
        fs::write(folder.path().join("b.txt"), format!("{} 0\n{} 1", "01".repeat(16), "02".repeat(16)))
            .unwrap();
        fs::write(folder.path().join("c.txt"), b"\xff\xff 1\n\n 1\nzz 9\n").unwrap();
        let again = Memo::default();
        again.take_up(folder.path()).unwrap();
        let keys = [first, second, [1; 16], [2; 16]];
        assert_eq!((again.find(&keys), again.len()), (vec![Some(1), Some(3), Some(0), None], 3));
        again.take_up(&folder.path().join("nowhere")).unwrap();
        // What was taken up is not written again.
        again.keep_in(folder.path().join("d.txt"));
        assert!(!folder.path().join("d.txt").exists());
        again.add([(keys[3], 4)].into_iter());
        assert_eq!(
            fs::read_to_string(folder.path().join("d.txt")).unwrap(),
            format!("{} 4\n", "02".repeat(16))
        );
    }
}
