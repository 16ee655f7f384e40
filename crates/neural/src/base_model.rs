//! The base model.

use crate::config::{BaseSettings, FitSettings};
use crate::family::Family;
use crate::fit::{FitPlan, fit};
use crate::network::{Network, Shape};
use crate::neural::Neural;
use crate::simd::InstructionSet;
use crate::{cache, corpus, tensor_file};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{BaseModel, ErrorKind, Field, PluginError, Task, escaped};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

impl<F: Family> BaseModel for Neural<F> {
    const NAME: &'static str = F::NAME;
    const DOC: &'static str = F::BASE_DOC;
    type Config = F::Base;
    const FIELDS: &'static [Field] = F::BASE_FIELDS;

    fn new(config: F::Base, task: &Task) -> Result<Self, PluginError> {
        let BaseSettings { sizes, load, corpus, fit } = config.into();
        match (&load, &corpus) {
            (Some(path), None) => {
                fit.refuse()?;
                let (shape, parameters) = F::load(path, &sizes, task)?;
                Ok(Self::new(shape, parameters, task, false))
            }
            (None, Some(path)) => fitted(&sizes, &fit, path, task),
            (Some(_), Some(_)) => {
                Err(PluginError::config("corpus", "`corpus` and `load` exclude each other, found both"))
            }
            (None, None) => {
                Err(PluginError::new(ErrorKind::Config, "expected `corpus` or `load`, found neither"))
            }
        }
    }
}

/// The model that a corpus gives, from the cache if it was fitted before.
fn fitted<F: Family>(
    sizes: &F::Sizes,
    settings: &FitSettings,
    path: &str,
    task: &Task,
) -> Result<Neural<F>, PluginError> {
    let shape = F::shape_of(sizes, task)?;
    let plan = FitPlan::new(settings)?;
    let corpus = corpus::read(path, task)?;
    let rounding = InstructionSet::detect().rounding();
    let key =
        cache::key::<F>(&corpus.bytes, &format!("{plan:?} {:?}", corpus.format), &shape, task, rounding);
    let file = cache::folder().map(|folder| cache::file::<F>(&folder, &key));
    let model: Neural<F> = cached(file, &shape, task, || fit_corpus(&shape, &plan, &corpus, path, task))?;
    F::fitted(&shape, model.values(), sizes, task)?;
    Ok(model)
}

/// Greatest number of bytes that the steps of one chunk of a fit may take.
const MOST_OF_CHUNK: usize = 1 << 32;

/// Refuses a corpus with a string that is too long to be kept for the way back.
fn check_length<N: Network>(
    shape: &N::Shape,
    plan: &FitPlan,
    corpus: &corpus::Corpus,
    path: &str,
) -> Result<(), PluginError> {
    let sequences = corpus.sequences.view();
    let length = |i: usize| sequences.prompt(i).len() + sequences.tokens().row(i).len();
    let longest = (0..sequences.len()).map(length).max().unwrap_or(0);
    let together = sequences.len().min(plan.batch).min(N::CHUNK);
    let needed = N::bytes(shape, together, longest + 1);
    if needed <= MOST_OF_CHUNK {
        return Ok(());
    }
    let message = format!(
        "the longest string of the corpus `{path}` has {longest} symbols: a fit of {together} strings at once would keep \
         {needed} bytes, expected at most {MOST_OF_CHUNK}"
    );
    Err(PluginError::config("corpus", message)
        .with_hint("leave long strings out, or use a smaller `batch` or a smaller network"))
}

/// The model of a cache file, made by `fit` where there is none or a damaged one. One fit at a time, so that those who
/// ask for the same one find it.
///
/// # Errors
/// Those of `fit`.
pub fn cached<N: Network>(
    file: Option<PathBuf>,
    shape: &N::Shape,
    task: &Task,
    fit: impl FnOnce() -> Result<Neural<N>, PluginError>,
) -> Result<Neural<N>, PluginError> {
    static FITTING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = FITTING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(file) = file else { return fit() };
    let told =
        |what: &str, fault: &str| warn(&format!("the cache file `{}` {what}: {fault}", file.display()));
    match cache::load(&file, shape) {
        Ok(Some(parameters)) => return Ok(Neural::new(shape.clone(), parameters, task, false)),
        Ok(None) => {}
        Err(fault) => told("cannot be used, so the model is fitted again", &fault),
    }
    let model = fit()?;
    if let Err(fault) = cache::store(&file, shape, model.values()) {
        told("cannot be written, so the next run fits again", &fault);
    }
    Ok(model)
}

/// Fits a model, without a cache; its parameters are `f32` numbers.
///
/// # Errors
/// Of kind [`Config`](ErrorKind::Config), at the field at fault.
pub fn fit_corpus<F: Family>(
    shape: &F::Shape,
    plan: &FitPlan,
    corpus: &corpus::Corpus,
    path: &str,
    task: &Task,
) -> Result<Neural<F>, PluginError> {
    check_length::<F>(shape, plan, corpus, path)?;
    let start = shape.random(StreamKey::new(plan.seed, Purpose::Initialise, 0));
    let mut model = Neural::new(shape.clone(), start, task, false);
    let report = fit(&mut model, &corpus.sequences.view(), plan)?;
    let finite = |x: &f64| tensor_file::is_parameter(*x);
    if !(report.perplexity.is_finite() && model.values().iter().all(finite)) {
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
            "base model `{}`: of the {strings} strings in `{path}` none is held out, so all {epochs} passes are \
             made, without early stopping",
            F::NAME
        ));
    }
    #[allow(clippy::cast_possible_truncation, reason = "rounds to f32")]
    let rounded: Vec<f64> = model.values().iter().map(|&x| f64::from(x as f32)).collect();
    model.replace(&rounded);
    Ok(model)
}

#[allow(clippy::print_stderr, reason = "a plugin has no other way to warn while it is made")]
fn warn(message: &str) {
    eprintln!("warning: {}", escaped(message));
}
