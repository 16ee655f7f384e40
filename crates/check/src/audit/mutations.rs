//! What becomes of verdicts where accepted responses are changed.

use super::{Asked, Audited, MOST_PROMPTS};
use pstar_core::PluginError;
use pstar_core::testing::{Outputs, Questions, VerifierView};

/// Accepted responses that are changed.
const MOST: usize = 64;

/// A change of a response; `None` where it changes nothing.
type Change = fn(&str) -> Option<String>;

/// The changes, by name.
const CHANGES: &[(&str, Change)] = &[
    ("a space before", |text| Some(format!(" {text}"))),
    ("a space behind", |text| Some(format!("{text} "))),
    ("a line break behind", |text| Some(format!("{text}\n"))),
    ("a space within", |text| within(text, " ")),
    ("a zero byte behind", |text| Some(format!("{text}\0"))),
    ("a space of no width behind", |text| Some(format!("{text}\u{200b}"))),
    ("a byte-order mark before", |text| Some(format!("\u{feff}{text}"))),
    ("a plus before", |text| Some(format!("+{text}"))),
    ("a minus before", |text| Some(format!("-{text}"))),
    ("a zero before", |text| Some(format!("0{text}"))),
    ("`.0` behind", |text| Some(format!("{text}.0"))),
    ("brackets around", |text| Some(format!("({text})"))),
    ("its digits in full width", |text| {
        map(text, |c| c.to_digit(10).and_then(|d| char::from_u32(0xff10 + d)))
    }),
    ("its digits in Arabic", |text| map(text, |c| c.to_digit(10).and_then(|d| char::from_u32(0x660 + d)))),
    ("its `-` as U+2212", |text| map(text, |c| (c == '-').then_some('\u{2212}'))),
    ("its `*` as `×`", |text| map(text, |c| (c == '*').then_some('×'))),
    ("Cyrillic `а` and `о` for Latin", |text| {
        map(text, |c| match c {
            'a' => Some('а'),
            'o' => Some('о'),
            _ => None,
        })
    }),
    ("capitals", |text| Some(text.to_uppercase()).filter(|changed| changed != text)),
    ("itself again behind", |text| Some(format!("{text}{text}")).filter(|changed| changed != text)),
    ("a huge number added and taken away", |text| Some(format!("{text}+{0}-{0}", "9".repeat(400)))),
    ("a sentence around", |text| Some(format!("The answer is {text}."))),
    ("nothing in its place", |text| (!text.is_empty()).then(String::new)),
];

fn map(text: &str, change: impl Fn(char) -> Option<char>) -> Option<String> {
    let changed: String = text.chars().map(|c| change(c).unwrap_or(c)).collect();
    (changed != text).then_some(changed)
}

/// Something in the middle.
fn within(text: &str, what: &str) -> Option<String> {
    let (middle, _) = text.char_indices().nth(1)?;
    Some(format!("{}{what}{}", &text[..middle], &text[middle..]))
}

/// Changes accepted responses, and tells which changes leave how many of them accepted.
pub(super) fn tell(audited: &Audited<'_>, verifier: &dyn VerifierView) -> Result<String, PluginError> {
    let accepted = accepted(audited, verifier)?;
    if accepted.is_empty() {
        return Ok("no accepted response was met that could be changed".into());
    }
    let (mut kept, mut some, mut lost) = (Vec::new(), Vec::new(), Vec::new());
    for (name, change) in CHANGES {
        let changed = accepted.iter().filter_map(|(prompt, text)| Some((prompt.clone(), change(text)?)));
        let pairs: Vec<(String, String)> = changed.collect();
        if pairs.is_empty() {
            continue;
        }
        let questions = Questions::of(&pairs, audited.task);
        let verifier = (audited.make)(&questions.task)?;
        let verdicts = verifier.judge(&questions.batch(0..questions.len()).view())?;
        let still: Vec<usize> = (0..pairs.len()).filter(|&i| verdicts[i] == Some(true)).collect();
        match still.first() {
            None => lost.push((*name).to_string()),
            Some(_) if still.len() == pairs.len() => kept.push((*name).to_string()),
            Some(&first) => {
                let quoted = pstar_core::shown(&pairs[first].1);
                some.push(format!("{name} ({} of {}, such as `{quoted}`)", still.len(), pairs.len()));
            }
        }
    }
    let list = |what: &str, names: &[String]| match names {
        [] => String::new(),
        names => format!("; {what}: {}", names.join(", ")),
    };
    Ok(format!(
        "of {} accepted responses{}{}{}",
        accepted.len(),
        list("still accepted with", &kept),
        list("some of them with", &some),
        list("refused with", &lost)
    ))
}

/// Accepted responses, as texts: of samples of the base, and of the first outputs of the task.
fn accepted(
    audited: &Audited<'_>,
    verifier: &dyn VerifierView,
) -> Result<Vec<(String, String)>, PluginError> {
    let alphabet = &audited.task.alphabet;
    let mut accepted: Vec<(String, String)> = Vec::new();
    let share = MOST.div_ceil(audited.prompts.len().clamp(1, MOST_PROMPTS));
    for prompt in 0..audited.prompts.len().min(MOST_PROMPTS) {
        let asked = Asked { audited, verifier, reference: None, prompt };
        let mut rows = asked.samples(256)?;
        rows.extend(Outputs::of(audited.task, 2048).rows);
        let of_prompt = rows.iter().zip(asked.judge(&rows)?).filter(|(_, [valid, _])| *valid);
        let mut texts: Vec<String> = of_prompt.map(|(row, _)| alphabet.decode(row)).collect();
        texts.sort();
        texts.dedup();
        let prompt = alphabet.decode(asked.tokens());
        let spread = texts.len().div_ceil(share).max(1);
        accepted.extend(texts.into_iter().step_by(spread).map(|text| (prompt.clone(), text)));
    }
    Ok(accepted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_change() {
        for text in ["3*4", "-1", "ao", "", "é"] {
            for (name, change) in CHANGES {
                assert!(change(text).is_none_or(|changed| changed != text), "{name} of {text}");
            }
        }
        assert_eq!(within("éa", " ").as_deref(), Some("é a"));
        assert_eq!(within("a", " "), None);
    }
}
