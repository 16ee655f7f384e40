//! The base model.

use crate::config::{EMBEDDING, HIDDEN, LAYERS, LOAD, ModelConfig, agree, shape};
use crate::fit::{FitPlan, fit};
use crate::model::Gru;
use crate::shape::Shape;
use crate::simd::InstructionSet;
use crate::{cache, corpus, initial, tensor_file, workspace};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{BaseModel, ErrorKind, Field, PluginError, Task, escaped};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

impl BaseModel for Gru {
    const NAME: &'static str = "rnn";
    const DOC: &'static str = "recurrent network (GRU) fitted to a corpus or loaded";
    type Config = ModelConfig;
    const FIELDS: &'static [Field] = &[
        HIDDEN,
        LAYERS,
        EMBEDDING,
        LOAD,
        Field::optional(
            "corpus",
            "text",
            "a file",
            "None",
            "what to fit to by maximum likelihood: JSON Lines, or one response a line",
        ),
        Field::optional("epochs", "integer", ">= 1", "100", "greatest number of passes over the corpus"),
        Field::optional("batch", "integer", ">= 1", "32", "strings in a mini-batch"),
        Field::optional("learning_rate", "number", "> 0", "0.003", "Adam's"),
        Field::optional(
            "held_out",
            "number",
            "[0, 1)",
            "0.1",
            "share of the corpus that perplexity is measured on",
        ),
        Field::optional(
            "patience",
            "integer",
            ">= 1",
            "5",
            "passes without a better perplexity before fitting ends",
        ),
        Field::optional("seed", "integer", ">= 0", "1", "of initial parameters, held-out part and order"),
    ];

    fn new(config: ModelConfig, task: &Task) -> Result<Self, PluginError> {
        match (&config.load, &config.corpus) {
            (Some(path), None) => {
                refuse_fit_fields(&config)?;
                let (shape, parameters) = load(path, task)?;
                agree(&shape, config.hidden, config.layers, config.embedding)?;
                Ok(Self::new(shape, parameters, task, false))
            }
            (None, Some(path)) => fitted(&config, path, task),
            (Some(_), Some(_)) => {
                Err(PluginError::config("corpus", "`corpus` and `load` exclude each other, found both"))
            }
            (None, None) => {
                Err(PluginError::new(ErrorKind::Config, "expected `corpus` or `load`, found neither"))
            }
        }
    }
}

/// Refuses settings of a fit where parameters are loaded.
fn refuse_fit_fields(config: &ModelConfig) -> Result<(), PluginError> {
    let given = [
        ("epochs", config.epochs.is_some()),
        ("batch", config.batch.is_some()),
        ("learning_rate", config.learning_rate.is_some()),
        ("held_out", config.held_out.is_some()),
        ("patience", config.patience.is_some()),
        ("seed", config.seed.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((name, _)) => {
            let message = format!("`{name}` is for a fit to a corpus, but the parameters are loaded");
            Err(PluginError::config(name, message))
        }
        None => Ok(()),
    }
}

/// Shape and parameters of a file.
pub(crate) fn load(path: &str, task: &Task) -> Result<(Shape, Vec<f64>), PluginError> {
    let bytes = task.read(path).map_err(|error| {
        let full = task.directory.join(path);
        let message = format!("the file `{}` cannot be read: {error}", full.display());
        PluginError::config("load", message).with_hint("relative paths start at the experiment file")
    })?;
    tensor_file::read(&bytes, task).map_err(|fault| {
        let (tokens, choices) = (task.alphabet.tokens(), task.choices());
        PluginError::config("load", format!("file `{path}`: {fault}")).with_hint(format!(
            "save a state dict of finite numbers: `embedding` (an `nn.Embedding` of {tokens} tokens: symbols, \
             boundary, symbols of prompts), `gru` and `output` (an `nn.Linear` to {choices} choices: symbols and any \
             end symbol)"
        ))
    })
}

/// The model that a corpus gives, from the cache if it was fitted before.
fn fitted(config: &ModelConfig, path: &str, task: &Task) -> Result<Gru, PluginError> {
    let shape = shape(config.hidden, config.layers, config.embedding, task)?;
    let plan = FitPlan::new(config)?;
    let corpus = corpus::read(path, task)?;
    let rounding = InstructionSet::detect().rounding();
    let key = cache::key(&corpus.bytes, &format!("{plan:?} {:?}", corpus.format), &shape, task, rounding);
    let file = cache::folder().map(|folder| cache::file(&folder, &key));
    cached(file, &shape, task, || fit_corpus(&shape, &plan, &corpus, path, task))
}

/// Greatest number of bytes that the steps of one chunk of a fit may take.
const MOST_OF_CHUNK: usize = 1 << 32;

/// Refuses a corpus with a string that is too long to be kept for the way back.
fn check_length(
    shape: &Shape,
    plan: &FitPlan,
    corpus: &corpus::Corpus,
    path: &str,
) -> Result<(), PluginError> {
    let sequences = corpus.sequences.view();
    let length = |i: usize| sequences.prompt(i).len() + sequences.tokens().row(i).len();
    let longest = (0..sequences.len()).map(length).max().unwrap_or(0);
    let together = sequences.len().min(plan.batch).min(workspace::CHUNK);
    let needed = workspace::bytes(shape, together, longest + 1);
    if needed <= MOST_OF_CHUNK {
        return Ok(());
    }
    let message = format!(
        "the longest string of the corpus `{path}` has {longest} symbols: a fit of {together} strings at once would keep \
         {needed} bytes, expected at most {MOST_OF_CHUNK}"
    );
    Err(PluginError::config("corpus", message)
        .with_hint("leave long strings out, or use a smaller `batch` or `hidden`"))
}

/// The model of a cache file, made by `fit` where there is none or a damaged one. One fit at a time, so that those who
/// ask for the same one find it.
fn cached(
    file: Option<PathBuf>,
    shape: &Shape,
    task: &Task,
    fit: impl FnOnce() -> Result<Gru, PluginError>,
) -> Result<Gru, PluginError> {
    static FITTING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = FITTING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(file) = file else { return fit() };
    let told =
        |what: &str, fault: &str| warn(&format!("the cache file `{}` {what}: {fault}", file.display()));
    match cache::load(&file, shape, task) {
        Ok(Some(parameters)) => return Ok(Gru::new(*shape, parameters, task, false)),
        Ok(None) => {}
        Err(fault) => told("cannot be used, so the model is fitted again", &fault),
    }
    let model = fit()?;
    if let Err(fault) = cache::store(&file, shape, &model.parameters) {
        told("cannot be written, so the next run fits again", &fault);
    }
    Ok(model)
}

/// Fits a model; its parameters are `f32` numbers.
fn fit_corpus(
    shape: &Shape,
    plan: &FitPlan,
    corpus: &corpus::Corpus,
    path: &str,
    task: &Task,
) -> Result<Gru, PluginError> {
    check_length(shape, plan, corpus, path)?;
    let start = initial::random(shape, StreamKey::new(plan.seed, Purpose::Initialise, 0));
    let mut model = Gru::new(*shape, start, task, false);
    let report = fit(&mut model, &corpus.sequences.view(), plan)?;
    let finite = |x: &f64| tensor_file::is_parameter(*x);
    if !(report.perplexity.is_finite() && model.parameters.iter().all(finite)) {
        let message = format!(
            "the fit to `{path}` diverged: expected finite parameters and perplexity, found perplexity {}",
            report.perplexity
        );
        let hint = format!("use a `learning_rate` below {:e}", plan.learning_rate);
        return Err(PluginError::config("learning_rate", message).with_hint(hint));
    }
    if !report.held_out {
        let (strings, epochs) = (corpus.sequences.view().len(), plan.epochs);
        warn(&format!(
            "base model `rnn`: of the {strings} strings in `{path}` none is held out, so all {epochs} passes are \
             made, without early stopping"
        ));
    }
    #[allow(clippy::cast_possible_truncation, reason = "rounds to f32")]
    let rounded: Vec<f64> = model.parameters.iter().map(|&x| f64::from(x as f32)).collect();
    model.replace(&rounded);
    Ok(model)
}

#[allow(clippy::print_stderr, reason = "a plugin has no other way to warn while it is made")]
fn warn(message: &str) {
    eprintln!("warning: {}", escaped(message));
}

#[cfg(test)]
mod tests;
