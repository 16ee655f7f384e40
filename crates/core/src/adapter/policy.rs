//! Policies.

use super::model::{Sizes, shared_methods};
use super::{read_task, same_length};
use crate::abi::{
    AbiPolicy, AbiPolicy_TO, AbiResult, BoundaryKey, Columns, Guarded, OwnedColumns, PolicyBox, guard,
};
use crate::author::Policy;
use crate::error::{ErrorKind, PluginError};
use crate::files::{FileRead, noted};
use crate::{config, wire};
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{ROption, RSlice, RSliceMut, RStr, RString};

/// The policy, the shape of its task's outputs, and the files that it was made from.
pub(crate) struct PolicyAdapter<P>(Guarded<P>, Sizes, Vec<FileRead>);

impl<P: Policy> PolicyAdapter<P> {
    pub(crate) extern "C" fn create(configuration: RStr<'_>, task: RStr<'_>) -> AbiResult<PolicyBox> {
        guard(P::NAME, || {
            let task = read_task(task.as_str())?;
            let (policy, files) = noted(|| P::new(config::parse(configuration.as_str())?, &task))?;
            Ok(AbiPolicy_TO::from_value(Self(Guarded::new(policy), Sizes::of(&task), files), TD_Opaque))
        })
    }
}

impl<P: Policy> AbiPolicy for PolicyAdapter<P> {
    shared_methods!(P);

    fn parameter_count(&self) -> AbiResult<u64> {
        guard(P::NAME, || Ok(self.0.parameter_count() as u64))
    }

    fn set_parameters(&mut self, parameters: RSlice<'_, f64>) -> AbiResult<()> {
        guard(P::NAME, || {
            same_length("parameters", parameters.len(), self.0.parameter_count())?;
            self.0.set_parameters(parameters.as_slice())
        })
    }

    fn randomise(&mut self, key: BoundaryKey) -> AbiResult<()> {
        guard(P::NAME, || {
            self.0.randomise(key.into());
            Ok(())
        })
    }

    fn gradient(&self, batch: Columns<'_>, mut gradient: RSliceMut<'_, f64>) -> AbiResult<()> {
        guard(P::NAME, || {
            same_length("values of the gradient", gradient.len(), self.0.parameter_count())?;
            let batch = wire::read_gradient_batch(&batch)?;
            if !batch.entropy.is_empty() && !P::ENTROPY {
                let message = format!("the policy `{}` has no exact gradient of the entropy", P::NAME);
                return Err(PluginError::new(ErrorKind::Unsupported, message)
                    .with_hint("configure the objective with `entropy: (…, form: Sampled)`"));
            }
            self.0.gradient(&batch, gradient.as_mut_slice())
        })
    }

    fn fit(&mut self, batch: Columns<'_>) -> AbiResult<()> {
        guard(P::NAME, || self.0.fit(&wire::read_fit_batch(&batch)?))
    }

    fn rows(&self, position: u64, states: RSlice<'_, u64>, mut rows: RSliceMut<'_, u64>) -> AbiResult<bool> {
        guard(P::NAME, || {
            same_length("rows", rows.len(), states.len())?;
            let position = usize::try_from(position).unwrap_or(usize::MAX);
            for (row, &state) in rows.as_mut_slice().iter_mut().zip(states.as_slice()) {
                let Some(found) = self.0.row(position, state) else { return Ok(false) };
                *row = found as u64;
            }
            Ok(true)
        })
    }

    fn row_name(&self, row: u64) -> AbiResult<ROption<RString>> {
        guard(P::NAME, || {
            let name = usize::try_from(row).ok().and_then(|row| self.0.row_name(row));
            Ok(name.map(RString::from).into())
        })
    }
}
