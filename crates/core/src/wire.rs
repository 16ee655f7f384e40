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
use crate::author::{FitBatch, GradientBatch, SampleRequest, Samples, ShapedParameters, Tensor};
use crate::data::{Ragged, RaggedBuffer, SequenceBatch};
use crate::error::PluginError;
use crate::objective::{
    self, Declaration, Moment, ObjectiveAnswer, ObjectiveBatch, ObjectiveStep, PartitionSource,
    PartitionUsed, PromptFacts,
};
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
    columns.refuse_unknown(&[])?;
    sequences_of(columns)
}

fn sequences_of<'a>(columns: &Columns<'a>) -> Result<SequenceBatch<'a>, PluginError> {
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

pub(crate) fn read_request<'a>(columns: &Columns<'a>) -> Result<SampleRequest<'a>, PluginError> {
    columns.refuse_unknown(&[])?;
    let prompts = Ragged::new(columns.get("prompt_offsets")?, columns.get("prompt_tokens")?);
    let prompts = prompts.ok_or_else(|| malformed("a sample request"))?;
    SampleRequest::new(prompts, columns.get("prompt_of")?, columns.get("sample")?)
}

pub(crate) fn give_samples(samples: Samples) -> OwnedColumns {
    let (offsets, tokens) = samples.tokens.into_parts();
    let mut columns = OwnedColumns::default();
    columns.put("offsets", offsets);
    columns.put("tokens", tokens);
    columns.put("log_probs", samples.log_probs);
    columns
}

pub fn take_samples(mut columns: OwnedColumns) -> Result<Samples, PluginError> {
    columns.refuse_unknown(&[])?;
    let parts = columns.take("offsets").zip(columns.take("tokens"));
    let tokens = parts.and_then(|(offsets, tokens)| RaggedBuffer::from_parts(offsets, tokens));
    let log_probs: Option<Vec<f64>> = columns.take("log_probs");
    match tokens.zip(log_probs) {
        Some((tokens, log_probs)) if tokens.view().values().len() == log_probs.len() => {
            Ok(Samples::new(tokens, log_probs))
        }
        _ => Err(malformed("samples")),
    }
}

pub fn put_gradient_batch<'a>(writer: &mut ColumnWriter<'a>, batch: &GradientBatch<'a>) {
    put_sequences(writer, &batch.sequences);
    writer.put("weights", batch.weights);
    writer.put("coefficients", batch.coefficients);
    if !batch.entropy.is_empty() {
        writer.put(ENTROPY, batch.entropy);
    }
}

/// How much of every position's entropy is added to a gradient: a policy that dropped it would follow another objective.
const ENTROPY: &str = "!entropy";

pub(crate) fn read_gradient_batch<'a>(columns: &Columns<'a>) -> Result<GradientBatch<'a>, PluginError> {
    let batch =
        GradientBatch::new(sequences_of(columns)?, columns.get("weights")?, columns.get("coefficients")?)?;
    columns.refuse_unknown(&[ENTROPY])?;
    batch.with_entropy(columns.find(ENTROPY)?.unwrap_or_default())
}

pub fn put_fit_batch<'a>(writer: &mut ColumnWriter<'a>, batch: &'a FitBatch<'a>) {
    put_sequences(writer, &batch.sequences);
    writer.put("weights", batch.weights);
    writer.put("pseudo_count", std::slice::from_ref(&batch.pseudo_count));
}

pub(crate) fn read_fit_batch<'a>(columns: &Columns<'a>) -> Result<FitBatch<'a>, PluginError> {
    let &[pseudo_count] = columns.get("pseudo_count")? else { return Err(malformed("a batch to fit")) };
    let batch = FitBatch::new(read_sequences(columns)?, columns.get("weights")?)?;
    Ok(batch.with_pseudo_count(pseudo_count))
}

pub(crate) fn give_parameters(parameters: ShapedParameters) -> OwnedColumns {
    let mut columns = OwnedColumns::default();
    columns.put("shape", parameters.shape.into_bytes());
    columns.put("values", parameters.values);
    columns.put("tensors", ron::to_string(&parameters.tensors).unwrap_or_default().into_bytes());
    columns
}

pub fn take_parameters(mut columns: OwnedColumns) -> Result<ShapedParameters, PluginError> {
    columns.refuse_unknown(&[])?;
    let mut text = |name| columns.take(name).and_then(|bytes| String::from_utf8(bytes).ok());
    let (shape, tensors) = (text("shape"), text("tensors"));
    let (Some(shape), Some(values)) = (shape, columns.take("values")) else {
        return Err(malformed("a model's parameters"));
    };
    let parameters = ShapedParameters::new(shape, values);
    let tensors: Vec<Tensor> = tensors.and_then(|text| ron::from_str(&text).ok()).unwrap_or_default();
    if tensors.is_empty() { Ok(parameters) } else { parameters.with_tensors(tensors) }
}

pub(crate) fn give_declaration(declaration: &Declaration) -> OwnedColumns {
    let mut columns = OwnedColumns::default();
    for (name, text) in declaration.entries() {
        columns.put(name, text.into_bytes());
    }
    columns
}

pub fn take_declaration(columns: OwnedColumns) -> Result<Declaration, PluginError> {
    columns.refuse_unknown(&[])?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).ok();
    let mut entries = Vec::with_capacity(columns.columns.len());
    for column in columns.columns {
        let value = u8::take(column.data).and_then(text).ok_or_else(|| malformed("a declaration"))?;
        entries.push((column.name.into_string(), value));
    }
    Declaration::of_entries(entries.iter().map(|(name, text)| (name.as_str(), text.as_str())))
}

/// What is known of prompts, logarithms by column: NaN where it is not.
pub struct FactColumns {
    valid: Vec<f64>,
    invalid: Vec<f64>,
    top_valid: Vec<f64>,
    power: Vec<f64>,
}

impl FactColumns {
    pub fn of(prompts: &[PromptFacts]) -> Self {
        let column = |value: fn(&PromptFacts) -> Option<f64>| {
            prompts.iter().map(|facts| value(facts).unwrap_or(f64::NAN)).collect()
        };
        Self {
            valid: column(|facts| facts.log_partition),
            invalid: column(|facts| facts.log_invalidity),
            top_valid: column(|facts| facts.log_top_valid),
            power: column(|facts| facts.log_power_partition),
        }
    }
}

pub fn put_facts<'a>(writer: &mut ColumnWriter<'a>, facts: &'a FactColumns) {
    writer.put("log_partition", &facts.valid);
    writer.put("log_invalidity", &facts.invalid);
    writer.put("log_top_valid", &facts.top_valid);
    writer.put("log_power_partition", &facts.power);
}

pub(crate) fn read_facts(columns: &Columns<'_>) -> Result<Vec<PromptFacts>, PluginError> {
    columns.refuse_unknown(&[])?;
    let known = |value: f64| (!value.is_nan()).then_some(value);
    let log_partition: &[f64] = columns.get("log_partition")?;
    let log_invalidity: &[f64] = columns.get("log_invalidity")?;
    // Hosts of before do not say these.
    let log_top_valid: &[f64] = columns.find("log_top_valid")?.unwrap_or_default();
    let log_power_partition: &[f64] = columns.find("log_power_partition")?.unwrap_or_default();
    let or_empty = |column: &[f64]| column.is_empty() || column.len() == log_partition.len();
    let fits = log_partition.len() == log_invalidity.len();
    if !(fits && or_empty(log_top_valid) && or_empty(log_power_partition)) {
        return Err(malformed("the prompts' exact values"));
    }
    let facts = |p: usize| PromptFacts {
        log_partition: known(log_partition[p]),
        log_invalidity: known(log_invalidity[p]),
        log_top_valid: log_top_valid.get(p).copied().and_then(known),
        log_power_partition: log_power_partition.get(p).copied().and_then(known),
    };
    Ok((0..log_partition.len()).map(facts).collect())
}

pub fn put_objective_batch<'a>(
    writer: &mut ColumnWriter<'a>,
    batch: &ObjectiveBatch<'a>,
    scalars: &'a ObjectiveScalars,
) {
    let columns = batch.columns();
    writer.put("group_offsets", columns.group_offsets);
    writer.put("prompt", columns.prompt);
    writer.put("log_partition", columns.log_partition);
    writer.put("log_invalidity", columns.log_invalidity);
    writer.put("log_power_partition", columns.log_power_partition);
    writer.put("updated", columns.updated);
    writer.put("rewards", columns.rewards);
    writer.put("weights", columns.weights);
    writer.put("ended", columns.ended);
    writer.put("source", columns.source);
    writer.put("age", columns.age);
    writer.put("outcome", columns.outcome);
    writer.put("horizon", &scalars.horizon);
    writer.put("offsets", columns.offsets);
    writer.put("log_probs", columns.log_probs);
    writer.put("behaviour_log_probs", columns.behaviour_log_probs);
    writer.put("base_log_probs", columns.base_log_probs);
    writer.put("step", &scalars.step);
    writer.put("epoch", &scalars.epoch);
    writer.put("key", &scalars.key);
    writer.put("population", &scalars.population);
}

/// The single values of an objective's batch, as columns: `key` is seed, step, purpose, epoch, resample.
pub struct ObjectiveScalars {
    step: [u64; 1],
    epoch: [u32; 1],
    key: [u64; 5],
    population: [u8; 1],
    horizon: [u64; 1],
}

impl ObjectiveScalars {
    pub fn of(batch: &ObjectiveBatch<'_>) -> Self {
        let Moment { step, epoch, key, population } = batch.moment();
        let StreamKey { seed, purpose, step: key_step, epoch: key_epoch, resample } = key;
        let key = [seed, key_step.into(), purpose.into(), key_epoch.into(), resample.into()];
        let horizon = [batch.columns().horizon];
        Self { step: [step], epoch: [epoch], key, population: [population.into()], horizon }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the writer widened them")]
pub(crate) fn read_objective_batch<'a>(columns: &Columns<'a>) -> Result<ObjectiveBatch<'a>, PluginError> {
    columns.refuse_unknown(&[])?;
    let incomplete = || malformed("an objective's batch");
    let &[seed, key_step, purpose, key_epoch, resample] = columns.get("key")? else {
        return Err(incomplete());
    };
    let (&[step], &[epoch], &[population]) =
        (columns.get("step")?, columns.get("epoch")?, columns.get::<u8>("population")?)
    else {
        return Err(incomplete());
    };
    let key = StreamKey {
        seed,
        step: key_step as u32,
        purpose: purpose as u8,
        epoch: key_epoch as u8,
        resample: resample as u8,
    };
    let moment = Moment { step, epoch, key, population: population != 0 };
    let columns = objective::Columns {
        group_offsets: columns.get("group_offsets")?,
        prompt: columns.get("prompt")?,
        log_partition: columns.get("log_partition")?,
        log_invalidity: columns.get("log_invalidity")?,
        updated: columns.get("updated")?,
        rewards: columns.get("rewards")?,
        weights: columns.get("weights")?,
        ended: columns.get("ended")?,
        source: columns.get("source")?,
        age: columns.get("age")?,
        // Hosts of the first version send none of these.
        log_power_partition: columns.find("log_power_partition")?.unwrap_or_default(),
        outcome: columns.find("outcome")?.unwrap_or_default(),
        horizon: columns.find("horizon")?.and_then(|values| values.first().copied()).unwrap_or(0),
        offsets: columns.get("offsets")?,
        log_probs: columns.get("log_probs")?,
        behaviour_log_probs: columns.get("behaviour_log_probs")?,
        base_log_probs: columns.get("base_log_probs")?,
    };
    ObjectiveBatch::of(&columns, moment)
}

/// Prefix of the columns that hold an objective's diagnostics, one value each.
const DIAGNOSTIC: &str = "diagnostic/";

pub(crate) fn give_step(step: ObjectiveStep) -> OwnedColumns {
    let mut columns = OwnedColumns::default();
    columns.put("coefficients", step.coefficients);
    if !step.entropy.is_empty() {
        columns.put(ENTROPY, step.entropy);
    }
    columns.put("log_partition", step.partitions.iter().map(|used| used.log_partition).collect());
    columns.put("partition_source", step.partitions.iter().map(|used| used.source as u8).collect());
    for (name, value) in step.diagnostics {
        columns.put(&format!("{DIAGNOSTIC}{name}"), vec![value]);
    }
    columns
}

pub fn take_step(mut columns: OwnedColumns) -> Result<ObjectiveAnswer, PluginError> {
    columns.refuse_unknown(&[ENTROPY])?;
    let incomplete = || malformed("an objective's answer");
    let coefficients = columns.take_numbers("coefficients").ok_or_else(incomplete)?;
    let entropy = columns.take_numbers(ENTROPY).unwrap_or_default();
    if !entropy.is_empty() && entropy.len() != coefficients.len() {
        return Err(incomplete());
    }
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
    Ok(ObjectiveAnswer { coefficients, entropy, partitions, diagnostics })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    /// A gradient's batch of one token, with one more column.
    fn with_column(name: &str) -> Result<(), PluginError> {
        let (prompts, tokens): (RaggedBuffer<u32>, RaggedBuffer<u32>) =
            ([&[][..]].into_iter().collect(), [&[0][..]].into_iter().collect());
        let sequences = SequenceBatch::new(prompts.view(), &[0], tokens.view()).unwrap();
        let batch = GradientBatch::new(sequences, &[1.0], &[0.5]).unwrap();
        let mut writer = ColumnWriter::default();
        put_gradient_batch(&mut writer, &batch);
        writer.put(name, &[1.0]);
        read_gradient_batch(&writer.columns()).map(|read| {
            assert_eq!((read.weights, read.coefficients), (&[1.0][..], &[0.5][..]));
        })
    }

    /// A policy that does not know a term of the gradient must not train as if there were none.
    #[test]
    fn columns_that_change_the_others_are_refused_and_the_rest_are_left_alone() {
        assert!(with_column("later").is_ok());
        let error = with_column("!curvature").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported);
        assert!(error.message.starts_with("the column `!curvature` is not understood"), "{}", error.message);
    }

    #[test]
    fn answers_are_held_to_it_too() {
        let mut columns = give_step(ObjectiveStep::per_token(vec![1.0]));
        columns.put("!curvature", vec![0.1]);
        assert_eq!(take_step(columns).unwrap_err().kind, ErrorKind::Unsupported);
        let step = ObjectiveStep::per_token(vec![1.0]).with_entropy(vec![0.1]);
        let read = take_step(give_step(step.clone())).unwrap();
        assert_eq!((&read.coefficients[..], &read.entropy[..]), (&step.coefficients[..], &step.entropy[..]));
        assert_eq!((read.partitions, read.diagnostics), (step.partitions, step.diagnostics));
        let mut columns = give_declaration(&Declaration::default().minimum_group(3));
        columns.put("later", b"Some(1)".to_vec());
        let declaration = take_declaration(columns).unwrap();
        assert_eq!(
            (declaration.minimum_group, &declaration.unknown[..]),
            (3, &["later: Some(1)".to_string()][..])
        );
    }

    #[test]
    fn parameters_keep_their_tensors() {
        let tensors = vec![Tensor::new("a", &[2, 1]), Tensor::new("b", &[1])];
        let parameters = ShapedParameters::new("s", vec![1.0, f64::NEG_INFINITY, 3.0]);
        let parameters = parameters.with_tensors(tensors).unwrap();
        assert_eq!(take_parameters(give_parameters(parameters.clone())).unwrap(), parameters);
        assert!(parameters.with_tensors(vec![Tensor::new("a", &[2])]).is_err());
    }
}
