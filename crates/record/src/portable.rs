//! An experiment's text without what holds on one machine alone.

use crate::Input;

/// The field that says where relative paths start.
const DIRECTORY: &str = "directory:";

/// An experiment without absolute paths: its `directory` is left out where it is one, and of files that it names so their
/// names remain.
pub(crate) fn portable(experiment: &str, inputs: &[Input]) -> String {
    let has_path = |line: &str| {
        let value = line.trim_start().strip_prefix(DIRECTORY).map(str::trim_start);
        value.and_then(|value| value.strip_prefix(['"'])).is_some_and(is_absolute)
    };
    let mut text: String = experiment.split_inclusive('\n').filter(|line| !has_path(line)).collect();
    for input in inputs.iter().filter(|input| is_absolute(&input.path)) {
        let name = input.path.rsplit(['/', '\\']).next().unwrap_or_default();
        text = text.replace(&format!("{:?}", input.path), &format!("{name:?}"));
    }
    text
}

/// Whether a path is of one machine, whichever system that has.
fn is_absolute(path: &str) -> bool {
    let drive = |path: &str| {
        let bytes = path.as_bytes();
        bytes.len() > 2
            && bytes[0].is_ascii_alphabetic()
            && bytes[1] == b':'
            && matches!(bytes[2], b'/' | b'\\')
    };
    path.starts_with('/') || path.starts_with("\\\\") || drive(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_go_and_the_rest_stays() {
        let input =
            |path: &str| Input { used_by: String::new(), path: path.into(), bytes: 0, sha256: String::new() };
        let text = "(\n    name: \"x\",\n    directory: \"/home/me/x\",\n    task: (base: (corpus: \"/data/a b.jsonl\", \
                    other: \"data/c.jsonl\", prompts: [\"/data/\", \"directory: \\\"/x\\\"\"])),\n)\n";
        let inputs = [input("/data/a b.jsonl"), input("data/c.jsonl")];
        let expected = text.replace("    directory: \"/home/me/x\",\n", "").replace("/data/a b", "a b");
        assert_eq!(portable(text, &inputs), expected);
        for kept in ["inputs/_", "../../experiments", "."] {
            let text = format!("(\n    directory: \"{kept}\",\n)");
            assert_eq!(portable(&text, &[]), text);
        }
        for left_out in ["C:\\\\Users\\\\me", "\\\\\\\\server\\\\x", "C:/me"] {
            let text = format!("(\n    directory: \"{left_out}\",\n)");
            assert_eq!(portable(&text, &[]), "(\n)");
        }
    }
}
