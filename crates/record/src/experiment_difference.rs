//! In what two experiments differ.

use pstar_core::shown;
use std::fmt;

/// How many fields are named.
const MOST_NAMED: usize = 5;

/// Greatest number of characters of a value that is shown.
const MOST_CHARACTERS: usize = 40;

/// Something in which two experiments differ.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExperimentDifference {
    /// A field.
    Field {
        /// Its name, as `--set` takes it.
        name: String,
        /// Its value there, as RON, if it has one.
        there: Option<String>,
        /// Its value here, as RON, if it has one.
        here: Option<String>,
    },
    /// The content of a file that a component reads, or of the prompts.
    File {
        /// Its path, as the experiment gives it.
        path: String,
    },
    /// Rows are in another order.
    Order,
}

impl ExperimentDifference {
    /// Some of them, in words.
    pub fn list(differences: &[Self]) -> String {
        let mut words: Vec<String> = differences.iter().take(MOST_NAMED).map(ToString::to_string).collect();
        if differences.len() > MOST_NAMED {
            words.push(format!("{} more", differences.len() - MOST_NAMED));
        }
        words.join(", ")
    }
}

impl fmt::Display for ExperimentDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |value: &Option<String>| {
            value.as_ref().map_or("nothing".into(), |value| {
                let shown = shown(value);
                if shown.chars().count() > MOST_CHARACTERS {
                    let start: String = shown.chars().take(MOST_CHARACTERS).collect();
                    format!("`{start}…`")
                } else {
                    format!("`{shown}`")
                }
            })
        };
        match self {
            Self::Field { name, there, here } => {
                write!(f, "`{}` ({} there, {} here)", shown(name), short(there), short(here))
            }
            Self::File { path } => write!(f, "the content of `{}`", shown(path)),
            Self::Order => f.write_str("the order of its rows"),
        }
    }
}

/// The fields in which two experiments differ that this program wrote: a field a line, sections indented.
pub fn experiment_differences(there: &str, here: &str) -> Vec<ExperimentDifference> {
    let (there, here) = (fields(there), fields(here));
    let value = |fields: &[(String, String)], name: &str| {
        fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    let mut differences = Vec::new();
    if there == here {
        return differences;
    }
    for (name, own) in &there {
        let other = value(&here, name);
        if other.as_ref() != Some(own) {
            let (name, there) = (name.clone(), Some(own.clone()));
            differences.push(ExperimentDifference::Field { name, there, here: other });
        }
    }
    for (name, own) in &here {
        if value(&there, name).is_none() {
            let (name, here) = (name.clone(), Some(own.clone()));
            differences.push(ExperimentDifference::Field { name, there: None, here });
        }
    }
    if differences.is_empty() {
        differences.push(ExperimentDifference::Order);
    }
    differences
}

/// Fields by their names, `section.field` below the first level.
fn fields(text: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut section = None;
    for line in text.lines() {
        let depth = line.len() - line.trim_start().len();
        let line = line.trim();
        if depth == 4 && matches!(line, ")," | "},") {
            section = None;
            continue;
        }
        let Some((name, value)) = key(line) else { continue };
        match (depth, value) {
            (4, "(" | "{") => section = Some(name),
            (4, _) => fields.push((name, value.trim_end_matches(',').into())),
            (8, _) => {
                let name = section.as_ref().map_or(name.clone(), |section| format!("{section}.{name}"));
                fields.push((name, value.trim_end_matches(',').into()));
            }
            _ => {}
        }
    }
    fields
}

/// The key of a line and what stands behind it.
fn key(line: &str) -> Option<(String, &str)> {
    let (name, end) = if let Some(quoted) = line.strip_prefix('"') {
        let mut escaped = false;
        let close = quoted.char_indices().find(|&(_, c)| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        })?;
        (quoted[..close.0].replace("\\\"", "\""), close.0 + 2)
    } else {
        let end = line.find(':')?;
        (line[..end].to_string(), end)
    };
    let value = line[end..].strip_prefix(':')?;
    Some((name, value.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"(
    name: "a",
    task: (
        alphabet: Chars("ab:,"),
        horizon: 3,
    ),
    objectives: {
        "x: \"y\"": (plugin: "reinforce"),
        "z": (plugin: "kl-control", config: (lambda: 2.0)),
    },
    seeds: [1, 2],
)
"#;

    fn named(there: &str, here: &str) -> Vec<String> {
        experiment_differences(there, here).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn fields_are_named_as_they_are_set() {
        assert!(named(TEXT, TEXT).is_empty());
        assert_eq!(
            named(TEXT, &TEXT.replace("horizon: 3", "horizon: 4")),
            ["`task.horizon` (`3` there, `4` here)"]
        );
        assert_eq!(named(TEXT, &TEXT.replace("[1, 2]", "[1]")), ["`seeds` (`[1, 2]` there, `[1]` here)"]);
        assert_eq!(
            named(TEXT, &TEXT.replace("    seeds: [1, 2],\n", "")),
            ["`seeds` (`[1, 2]` there, nothing here)"]
        );
        assert_eq!(
            named(&TEXT.replace("\"z\": ", "\"w\": "), TEXT),
            [
                "`objectives.w` (`(plugin: \"kl-control\", config: (lambda: …` there, nothing here)",
                "`objectives.z` (nothing there, `(plugin: \"kl-control\", config: (lambda: …` here)"
            ]
        );
        let colon = TEXT.replace("(plugin: \"reinforce\")", "(plugin: \"alpha\")");
        assert!(named(TEXT, &colon)[0].starts_with("`objectives.x: \"y\"` ("), "{:?}", named(TEXT, &colon));
    }

    #[test]
    fn another_order_is_a_difference() {
        let mut lines: Vec<&str> = TEXT.lines().collect();
        lines.swap(7, 8);
        assert_eq!(named(TEXT, &lines.join("\n")), ["the order of its rows"]);
    }
}
