//! Which rows of a published vocabulary are the tokens of an experiment.

use super::Restriction;
use super::fault::{Fault, listed};
use super::tokenizer::Tokenizer;
use pstar_core::data::Ending;
use pstar_core::{Task, shown};

/// The rows of a model's embedding that are used.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rows {
    /// Those of the experiment's tokens in their order, and behind them those of the context.
    pub(super) rows: Vec<usize>,
    /// How many are the context's; `None` where the start is a token of its own.
    pub(super) context: Option<usize>,
}

/// All rows: the model was made for this alphabet.
pub(super) fn all(vocabulary: usize, task: &Task) -> Result<Rows, Fault> {
    let expected = task.alphabet.tokens();
    if vocabulary != expected {
        let message = format!(
            "expected a `vocab_size` of {expected}, as many as there are symbols, boundary and symbols of prompts, found \
             {vocabulary}"
        );
        return Err(Fault::new(
            message,
            "a model of texts needs its `tokenizer.json` in the folder, which says what its tokens are",
        ));
    }
    Ok(Rows { rows: (0..vocabulary).collect(), context: None })
}

/// The rows of the tokens that are exactly the symbols, the end, and what the context is read as.
pub(super) fn restricted(
    tokenizer: &Tokenizer,
    vocabulary: usize,
    restriction: &Restriction,
    task: &Task,
) -> Result<Rows, Fault> {
    let end = end(tokenizer, restriction, task)?;
    let symbols = tokens(tokenizer, task.alphabet.symbols())?;
    let prompt_symbols = tokens(tokenizer, task.alphabet.prompt_symbols())?;
    if let Some(same) = end.and_then(|end| symbols.iter().position(|&symbol| symbol == end)) {
        let symbol = shown(&task.alphabet.symbols()[same]);
        let message = format!("expected a token as `end` that is no symbol, found the one of `{symbol}`");
        return Err(Fault::new(message, "end with another text, or take the symbol out").at_field("end"));
    }
    // Where outputs do not end, nobody reads the boundary: the context stands in place of the start.
    let boundary = end.unwrap_or(symbols[0]);
    let context = context(tokenizer, restriction)?;
    let count = context.len();
    let rows: Vec<usize> =
        symbols.into_iter().chain([boundary]).chain(prompt_symbols).chain(context).collect();
    if let Some(&beyond) = rows.iter().find(|&&row| row >= vocabulary) {
        let message = format!("expected tokens below the model's `vocab_size` {vocabulary}, found {beyond}");
        return Err(Fault::new(message, "take the `tokenizer.json` that was published with the model"));
    }
    Ok(Rows { rows, context: Some(count) })
}

fn end(tokenizer: &Tokenizer, restriction: &Restriction, task: &Task) -> Result<Option<usize>, Fault> {
    let hint = "name a text that is exactly one token of the model, such as \"\\n\"";
    let fault = |message: String| Err(Fault::new(message, hint).at_field("end"));
    let Some(text) = &restriction.end else {
        return match task.ending {
            Ending::EndSymbol => {
                fault("expected `end`, the text whose token ends an output, found none".into())
            }
            Ending::FixedLength => Ok(None),
        };
    };
    let token = tokenizer.token(text).map_err(|fault| fault.at_field("end"))?;
    if token.is_none() {
        return fault(format!("expected `end` as exactly one token, found none that is `{}`", shown(text)));
    }
    Ok(token)
}

/// The tokens that are exactly these symbols.
fn tokens(tokenizer: &Tokenizer, symbols: &[String]) -> Result<Vec<usize>, Fault> {
    let mut tokens = Vec::with_capacity(symbols.len());
    let mut missing = Vec::new();
    for symbol in symbols {
        match tokenizer.token(symbol)? {
            Some(token) => tokens.push(token),
            None => missing.push(symbol.as_str()),
        }
    }
    if missing.is_empty() {
        return Ok(tokens);
    }
    let message = format!("expected every symbol as exactly one token, found none for {}", listed(missing));
    Err(Fault::new(message, "use symbols that the model has a token for; a text may need several"))
}

fn context(tokenizer: &Tokenizer, restriction: &Restriction) -> Result<Vec<usize>, Fault> {
    let mut context = tokenizer.start().to_vec();
    if let Some(text) = &restriction.context {
        context.extend(tokenizer.encode(text).map_err(|fault| fault.at_field("context"))?);
    }
    Ok(context)
}
