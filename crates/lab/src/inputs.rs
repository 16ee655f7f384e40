//! The files that an experiment is made from.

use pstar_core::files::FileRead;
use pstar_record::Input;
use std::path::{Component, Path, PathBuf};

/// The files that an experiment is made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The file of the prompts, if there is one. It need not be read again: the experiment as run lists the prompts.
    pub prompts: Option<Input>,
    /// The files that components read.
    pub of_components: Vec<Input>,
    /// The components that do not tell what they read.
    pub untold: Vec<String>,
}

impl Inputs {
    /// Adds what a component tells.
    pub(crate) fn add(&mut self, component: &str, told: Option<Vec<FileRead>>) {
        match told {
            Some(files) => {
                self.of_components.extend(files.into_iter().map(|file| input(component, file)));
            }
            None => self.untold.push(component.into()),
        }
    }

    /// All files, those of the prompts first.
    pub fn all(&self) -> impl Iterator<Item = &Input> {
        self.prompts.iter().chain(&self.of_components)
    }

    /// The files of components that a run's directory holds copies of: those of relative paths, by path. None where a
    /// component did not tell its files, which then could not be found beside the copies.
    pub fn portable(&self) -> Vec<&Input> {
        let mut portable: Vec<&Input> = Vec::new();
        if self.untold.is_empty() {
            for input in &self.of_components {
                let relative = Path::new(&input.path).is_relative();
                if relative && portable.iter().all(|known| known.path != input.path) {
                    portable.push(input);
                }
            }
        }
        portable
    }
}

/// The folder of copies, in a run's directory.
const COPIES: &str = "inputs";

/// The folder among the copies that relative paths start from, seen from a run's directory: as deep as paths climb.
pub fn copies(inputs: &Inputs) -> PathBuf {
    let portable = inputs.portable();
    if portable.is_empty() {
        return PathBuf::from(".");
    }
    let depth = portable.iter().map(|input| climbs(Path::new(&input.path))).max().unwrap_or(0);
    std::iter::once(COPIES).chain(std::iter::repeat_n("_", depth)).collect()
}

/// A file and what read it.
pub(crate) fn input(used_by: &str, file: FileRead) -> Input {
    let FileRead { path, bytes, sha256 } = file;
    Input { used_by: used_by.into(), path, bytes, sha256 }
}

/// How many folders a relative path climbs above the one that it starts from.
pub fn climbs(path: &Path) -> usize {
    let (mut depth, mut lowest) = (0isize, 0);
    for component in path.components() {
        match component {
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            _ => {}
        }
        lowest = lowest.min(depth);
    }
    lowest.unsigned_abs()
}

/// A path without `.` and `..`, as far as its own text tells.
pub fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// The way from the folder `from` to the folder `to`, both absolute; `to` itself where there is none.
pub fn way(from: &Path, to: &Path) -> PathBuf {
    let (from_parts, to_parts): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let shared = from_parts.iter().zip(&to_parts).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return to.to_path_buf();
    }
    let up = from_parts[shared..].iter().map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(to_parts[shared..].iter().copied()).collect();
    if way.as_os_str().is_empty() { PathBuf::from(".") } else { way }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_climb_as_far_as_their_lowest_folder() {
        for (path, expected) in
            [("a/b", 0), ("../a", 1), ("a/../../b", 1), ("../../a/../..", 3), ("./a/..", 0)]
        {
            assert_eq!(climbs(Path::new(path)), expected, "{path}");
        }
        assert_eq!(without_dots(Path::new("/r/inputs/_/../a/./b")), Path::new("/r/inputs/a/b"));
    }

    #[test]
    fn a_way_leads_over_the_nearest_shared_folder() {
        for (from, to, expected) in [
            ("/a/runs/x", "/a/data", "../../data"),
            ("/a", "/a", "."),
            ("/a", "/a/b", "b"),
            ("/a/b", "/c", "../../c"),
        ] {
            assert_eq!(way(Path::new(from), Path::new(to)), Path::new(expected));
        }
    }
}
