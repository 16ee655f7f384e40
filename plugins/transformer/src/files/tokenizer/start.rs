//! The tokens that a tokenizer puts before every text.

use super::super::fault::Fault;
use super::super::fields::Fields;
use super::{number, unsupported};

/// Those of a `tokenizer.json`. What it puts behind a text is left out, for texts go on here.
pub(super) fn read(fields: Fields<'_>) -> Result<Vec<usize>, Fault> {
    let mut start = Vec::new();
    if let Some(outer) = fields.object("post_processor")? {
        match outer.text("type")?.unwrap_or_default() {
            "Sequence" => {
                for processor in outer.list("processors")? {
                    append(Fields::of(processor, "processors")?, &mut start)?;
                }
            }
            _ => append(outer, &mut start)?,
        }
    }
    Ok(start)
}

fn append(processor: Fields<'_>, start: &mut Vec<usize>) -> Result<(), Fault> {
    match processor.text("type")?.unwrap_or_default() {
        // Tells where words stand in the text, and adds no token.
        "ByteLevel" => Ok(()),
        "TemplateProcessing" => template(processor, start),
        other => Err(unsupported("post_processor", other)),
    }
}

/// The special tokens before the one text of the template for single texts.
fn template(processor: Fields<'_>, start: &mut Vec<usize>) -> Result<(), Fault> {
    for item in processor.list("single")? {
        let Some(special) = Fields::of(item, "single")?.object("SpecialToken")? else { break };
        let name = special.text("id")?.unwrap_or_default();
        let tokens = processor.object("special_tokens")?;
        let token = tokens.map(|tokens| tokens.object(name)).transpose()?.flatten();
        let Some(token) = token else { return Err(unsupported("single", name)) };
        for id in token.list("ids")? {
            start.push(number("ids", id)?);
        }
    }
    Ok(())
}
