//! Base models, and what policies share with them.

use super::{read_task, same_length};
use crate::abi::{
    AbiBaseModel, AbiBaseModel_TO, AbiResult, BaseModelBox, BoundaryKey, Columns, Guarded, OwnedColumns,
    guard,
};
use crate::author::{BaseModel, SampleRoom, SequenceModel};
use crate::data::Task;
use crate::error::PluginError;
use crate::files::{FileRead, noted};
use crate::{config, wire};
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{ROption, RSlice, RSliceMut, RStr, RString};

/// The shape of a task's outputs.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    choices: usize,
    symbols: usize,
    pub(super) horizon: usize,
}

impl Sizes {
    pub(super) fn of(task: &Task) -> Self {
        Self { choices: task.choices(), symbols: task.alphabet.len(), horizon: task.horizon }
    }
}

/// The model, the shape of its task's outputs, and the files that it was made from.
pub(crate) struct BaseModelAdapter<M>(Guarded<M>, Sizes, Vec<FileRead>);

impl<M: BaseModel> BaseModelAdapter<M> {
    pub(crate) extern "C" fn create(configuration: RStr<'_>, task: RStr<'_>) -> AbiResult<BaseModelBox> {
        guard(M::NAME, || {
            let task = read_task(task.as_str())?;
            let (model, files) = noted(|| M::new(config::parse(configuration.as_str())?, &task))?;
            Ok(AbiBaseModel_TO::from_value(Self(Guarded::new(model), Sizes::of(&task), files), TD_Opaque))
        })
    }
}

pub(super) fn sample(
    model: &impl SequenceModel,
    request: &Columns<'_>,
    key: BoundaryKey,
) -> Result<OwnedColumns, PluginError> {
    let request = wire::read_request(request)?;
    Ok(wire::give_samples(model.sample(&request, key.into())?))
}

pub(super) fn sample_into(
    model: &impl SequenceModel,
    horizon: usize,
    (request, key): (&Columns<'_>, BoundaryKey),
    (tokens, log_probs, ends): (&mut [u32], &mut [f64], &mut [u64]),
) -> Result<bool, PluginError> {
    let request = wire::read_request(request)?;
    same_length("ends of sequences", ends.len(), request.sample.len())?;
    model.sample_into(&request, key.into(), SampleRoom::new(tokens, log_probs, ends, horizon)?)
}

pub(super) fn score(
    model: &impl SequenceModel,
    batch: &Columns<'_>,
    log_probs: &mut [f64],
) -> Result<(), PluginError> {
    let batch = wire::read_sequences(batch)?;
    same_length("log-probabilities", log_probs.len(), batch.tokens().values().len())?;
    model.score(&batch, log_probs)
}

pub(super) fn expand(
    model: &impl SequenceModel,
    Sizes { choices, symbols, .. }: Sizes,
    position: u64,
    states: &[u64],
    log_probs: &mut [f64],
    next: &mut [u64],
) -> Result<(), PluginError> {
    let view = model
        .finite_state()
        .ok_or_else(|| PluginError::contract("a model without a finite-state view was asked to expand it"))?;
    same_length("log-probabilities", log_probs.len(), states.len() * choices)?;
    same_length("next states", next.len(), states.len() * symbols)?;
    view.expand(usize::try_from(position).unwrap_or(usize::MAX), states, log_probs, next);
    Ok(())
}

/// The methods that base models and policies share, for a type `.0` of [`Guarded`] model `$model`.
macro_rules! shared_methods {
    ($model:ident) => {
        fn sample(&self, request: Columns<'_>, key: BoundaryKey) -> AbiResult<OwnedColumns> {
            guard($model::NAME, || super::model::sample(&*self.0, &request, key))
        }

        fn score(&self, batch: Columns<'_>, mut log_probs: RSliceMut<'_, f64>) -> AbiResult<()> {
            guard($model::NAME, || super::model::score(&*self.0, &batch, log_probs.as_mut_slice()))
        }

        fn start(&self, prompt: RSlice<'_, u32>) -> AbiResult<ROption<u64>> {
            guard($model::NAME, || Ok(self.0.finite_state().map(|view| view.start(prompt.as_slice())).into()))
        }

        fn expand(
            &self,
            position: u64,
            states: RSlice<'_, u64>,
            mut log_probs: RSliceMut<'_, f64>,
            mut next: RSliceMut<'_, u64>,
        ) -> AbiResult<()> {
            let (log_probs, next) = (log_probs.as_mut_slice(), next.as_mut_slice());
            guard($model::NAME, || {
                super::model::expand(&*self.0, self.1, position, states.as_slice(), log_probs, next)
            })
        }

        fn parameters(&self) -> AbiResult<ROption<OwnedColumns>> {
            guard($model::NAME, || Ok(self.0.parameters().map(wire::give_parameters).into()))
        }

        fn score_outputs(
            &self,
            prompt: RSlice<'_, u32>,
            mut log_probs: RSliceMut<'_, f64>,
        ) -> AbiResult<bool> {
            guard($model::NAME, || self.0.score_outputs(prompt.as_slice(), log_probs.as_mut_slice()))
        }

        fn files(&self) -> AbiResult<ROption<RString>> {
            super::tell(&self.2)
        }

        fn sample_into(
            &self,
            request: Columns<'_>,
            key: BoundaryKey,
            mut tokens: RSliceMut<'_, u32>,
            mut log_probs: RSliceMut<'_, f64>,
            mut ends: RSliceMut<'_, u64>,
        ) -> AbiResult<bool> {
            guard($model::NAME, || {
                let room = (tokens.as_mut_slice(), log_probs.as_mut_slice(), ends.as_mut_slice());
                super::model::sample_into(&*self.0, self.1.horizon, (&request, key), room)
            })
        }
    };
}
pub(super) use shared_methods;

impl<M: BaseModel> AbiBaseModel for BaseModelAdapter<M> {
    shared_methods!(M);
}
