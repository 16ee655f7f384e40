//! How batches are laid out as named columns: both sides of the boundary read and write them here.
//!
//! `put_` and `read_` are the halves of what the host sends, `give_` and `take_` those of what a component answers.
//! Readers refuse columns that do not fit together.
#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::missing_errors_doc,
    reason = "pairs of halves, for adapters and handles alone"
)]

use crate::abi::{ColumnWriter, Columns, Element, OwnedColumns};
use crate::author::{SampleRequest, Samples, ShapedParameters, WeightedBatch};
use crate::data::{Ragged, RaggedBuffer, SequenceBatch};
use crate::error::PluginError;
use crate::objective::{BatchParts, ObjectiveBatch, ObjectiveStep, PartitionSource, PartitionUsed};
use crate::rng::StreamKey;

fn malformed(what: &str) -> PluginError {
    PluginError::contract(format!("the columns of {what} do not fit together"))
}

pub fn put_sequences<'a>(writer: &mut ColumnWriter<'a>, batch: &SequenceBatch<'a>) {
    put_prompts(writer, batch.prompts(), batch.prompt_of());
    writer.put("offsets", batch.tokens().offsets());
    writer.put("tokens", batch.tokens().values());
}

fn put_prompts<'a>(writer: &mut ColumnWriter<'a>, prompts: Ragged<'a, u32>, prompt_of: &'a [u32]) {
    writer.put("prompt_offsets", prompts.offsets());
    writer.put("prompt_tokens", prompts.values());
    writer.put("prompt_of", prompt_of);
}

pub fn read_sequences<'a>(columns: &Columns<'a>) -> Result<SequenceBatch<'a>, PluginError> {
    let prompts = Ragged::new(columns.get("prompt_offsets")?, columns.get("prompt_tokens")?);
    let tokens = Ragged::new(columns.get("offsets")?, columns.get("tokens")?);
    let prompt_of = columns.get("prompt_of")?;
    prompts
        .zip(tokens)
        .and_then(|(prompts, tokens)| SequenceBatch::new(prompts, prompt_of, tokens))
        .ok_or_else(|| malformed("a batch of sequences"))
}

pub fn put_request<'a>(writer: &mut ColumnWriter<'a>, request: &SampleRequest<'a>) {
    put_prompts(writer, request.prompts, request.prompt_of);
    writer.put("sample", request.sample);
}

pub fn read_request<'a>(columns: &Columns<'a>) -> Result<SampleRequest<'a>, PluginError> {
    let prompts = Ragged::new(columns.get("prompt_offsets")?, columns.get("prompt_tokens")?);
    let prompts = prompts.ok_or_else(|| malformed("a sample request"))?;
    let prompt_of: &[u32] = columns.get("prompt_of")?;
    let sample: &[u32] = columns.get("sample")?;
    if prompt_of.len() != sample.len() || prompt_of.iter().any(|&p| p as usize >= prompts.len()) {
        return Err(malformed("a sample request"));
    }
    Ok(SampleRequest { prompts, prompt_of, sample })
}

pub fn give_samples(samples: Samples) -> OwnedColumns {
    let (offsets, tokens) = samples.tokens.into_parts();
    let mut columns = OwnedColumns::default();
    columns.put("offsets", offsets);
    columns.put("tokens", tokens);
    columns.put("log_probs", samples.log_probs);
    columns
}

pub fn take_samples(mut columns: OwnedColumns) -> Result<Samples, PluginError> {
    let parts = columns.take("offsets").zip(columns.take("tokens"));
    let tokens = parts.and_then(|(offsets, tokens)| RaggedBuffer::from_parts(offsets, tokens));
    let log_probs: Option<Vec<f64>> = columns.take("log_probs");
    match tokens.zip(log_probs) {
        Some((tokens, log_probs)) if tokens.view().values().len() == log_probs.len() => {
            Ok(Samples { tokens, log_probs })
        }
        _ => Err(malformed("samples")),
    }
}

pub fn put_weighted<'a>(writer: &mut ColumnWriter<'a>, batch: &'a WeightedBatch<'a>) {
    put_sequences(writer, &batch.sequences);
    writer.put("weights", batch.weights);
    if let Some(coefficients) = batch.coefficients {
        writer.put("coefficients", coefficients);
    }
    writer.put("pseudo_count", std::slice::from_ref(&batch.pseudo_count));
}

pub fn read_weighted<'a>(columns: &Columns<'a>) -> Result<WeightedBatch<'a>, PluginError> {
    let sequences = read_sequences(columns)?;
    let weights: &[f64] = columns.get("weights")?;
    let coefficients: Option<&[f64]> = columns.find("coefficients")?;
    let pseudo_count = columns.find("pseudo_count")?.and_then(|values: &[f64]| values.first().copied());
    let tokens = sequences.tokens().values().len();
    if weights.len() != sequences.len() || coefficients.is_some_and(|c| c.len() != tokens) {
        return Err(malformed("a weighted batch"));
    }
    let pseudo_count = pseudo_count.unwrap_or(0.0);
    Ok(WeightedBatch { sequences, weights, coefficients, pseudo_count })
}

pub fn give_parameters(parameters: ShapedParameters) -> OwnedColumns {
    let mut columns = OwnedColumns::default();
    columns.put("shape", parameters.shape.into_bytes());
    columns.put("values", parameters.values);
    columns
}

pub fn take_parameters(mut columns: OwnedColumns) -> Result<ShapedParameters, PluginError> {
    let shape = columns.take("shape").and_then(|bytes| String::from_utf8(bytes).ok());
    let parts = shape.zip(columns.take("values"));
    parts
        .map(|(shape, values)| ShapedParameters { shape, values })
        .ok_or_else(|| malformed("a model's parameters"))
}

pub fn put_objective_batch<'a>(
    writer: &mut ColumnWriter<'a>,
    batch: &ObjectiveBatch<'a>,
    scalars: &'a ObjectiveScalars,
) {
    let parts = batch.parts();
    writer.put("group_offsets", parts.group_offsets);
    writer.put("prompt", parts.prompt);
    writer.put("log_partition", parts.log_partition);
    writer.put("log_invalidity", parts.log_invalidity);
    writer.put("rewards", parts.rewards);
    writer.put("weights", parts.weights);
    writer.put("ended", parts.ended);
    writer.put("offsets", parts.offsets);
    writer.put("log_probs", parts.log_probs);
    writer.put("behaviour_log_probs", parts.behaviour_log_probs);
    writer.put("base_log_probs", parts.base_log_probs);
    writer.put("step", &scalars.step);
    writer.put("key", &scalars.key);
    writer.put("population", &scalars.population);
}

/// The single values of an objective's batch, as columns: `key` is seed, step, purpose, epoch, resample.
pub struct ObjectiveScalars {
    step: [u64; 1],
    key: [u64; 5],
    population: [u8; 1],
}

impl ObjectiveScalars {
    pub fn of(batch: &ObjectiveBatch<'_>) -> Self {
        let BatchParts { step, key, population, .. } = *batch.parts();
        let StreamKey { seed, purpose, step: key_step, epoch, resample } = key;
        let key = [seed, key_step.into(), purpose.into(), epoch.into(), resample.into()];
        Self { step: [step], key, population: [population.into()] }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the writer widened them")]
pub fn read_objective_batch<'a>(columns: &Columns<'a>) -> Result<ObjectiveBatch<'a>, PluginError> {
    let incomplete = || malformed("an objective's batch");
    let &[seed, key_step, purpose, epoch, resample] = columns.get("key")? else { return Err(incomplete()) };
    let (&[step], &[population]) = (columns.get("step")?, columns.get::<u8>("population")?) else {
        return Err(incomplete());
    };
    ObjectiveBatch::new(BatchParts {
        group_offsets: columns.get("group_offsets")?,
        prompt: columns.get("prompt")?,
        log_partition: columns.get("log_partition")?,
        log_invalidity: columns.get("log_invalidity")?,
        rewards: columns.get("rewards")?,
        weights: columns.get("weights")?,
        ended: columns.get("ended")?,
        offsets: columns.get("offsets")?,
        log_probs: columns.get("log_probs")?,
        behaviour_log_probs: columns.get("behaviour_log_probs")?,
        base_log_probs: columns.get("base_log_probs")?,
        step,
        key: StreamKey {
            seed,
            step: key_step as u32,
            purpose: purpose as u8,
            epoch: epoch as u8,
            resample: resample as u8,
        },
        population: population != 0,
    })
}

/// Prefix of the columns that hold an objective's diagnostics, one value each.
const DIAGNOSTIC: &str = "diagnostic/";

pub fn give_step(step: ObjectiveStep) -> OwnedColumns {
    let mut columns = OwnedColumns::default();
    columns.put("coefficients", step.coefficients);
    columns.put("log_partition", step.partitions.iter().map(|used| used.log_partition).collect());
    columns.put("partition_source", step.partitions.iter().map(|used| used.source as u8).collect());
    for (name, value) in step.diagnostics {
        columns.put(&format!("{DIAGNOSTIC}{name}"), vec![value]);
    }
    columns
}

pub fn take_step(mut columns: OwnedColumns) -> Result<ObjectiveStep, PluginError> {
    let incomplete = || malformed("an objective's answer");
    let coefficients = columns.take("coefficients").ok_or_else(incomplete)?;
    let log_partitions: Vec<f64> = columns.take("log_partition").unwrap_or_default();
    let sources: Vec<u8> = columns.take("partition_source").unwrap_or_default();
    if log_partitions.len() != sources.len() {
        return Err(incomplete());
    }
    let mut partitions = Vec::with_capacity(sources.len());
    for (log_partition, source) in log_partitions.into_iter().zip(sources) {
        let source = PartitionSource::from_number(source).ok_or_else(incomplete)?;
        partitions.push(PartitionUsed { log_partition, source });
    }
    let mut diagnostics = Vec::new();
    for column in columns.columns {
        let name = column.name.as_str().strip_prefix(DIAGNOSTIC).map(String::from);
        if let Some((name, values)) = name.zip(f64::take(column.data))
            && let [value] = values[..]
        {
            diagnostics.push((name, value));
        }
    }
    Ok(ObjectiveStep { coefficients, partitions, diagnostics })
}
