//! Exact samplers of the filtered model, one a prompt.

use super::{ExploredPrompt, GroundTruth, Stopped, Unavailable, settle, space_of};
use crate::world::World;
use pstar_core::PluginError;
use pstar_exact::dynamic::FilteredSampler;
use pstar_exact::{Acceptor, WeightedProduct};

/// A sampler of p* for every prompt of a task.
#[derive(Debug)]
pub(crate) struct FilteredSamplers(Vec<FilteredSampler>);

impl FilteredSamplers {
    /// Where base and verifier have states, or outputs were listed, and every prompt has a p*.
    pub(crate) fn new(world: &World, truth: &GroundTruth) -> Result<Result<Self, Unavailable>, PluginError> {
        let acceptor = |prompt: usize| match truth {
            GroundTruth::Enumerated(reference) => {
                let valid = &reference.prompts()[prompt].valid;
                Ok(Acceptor::of_valid_set(valid, space_of(world)))
            }
            GroundTruth::Dynamic(reference) => Ok(reference.acceptor(prompt).clone()),
            GroundTruth::Sampled(_, unavailable) => Err(Stopped::Limited(unavailable.clone())),
        };
        let sampler = |prompt| {
            let ExploredPrompt { product, base, .. } =
                ExploredPrompt::new(world, None, prompt, &acceptor(prompt)?)?;
            let sampler = FilteredSampler::new(&WeightedProduct::of_base(&product, &base));
            sampler.ok_or_else(|| {
                Stopped::Limited(Unavailable {
                    reason: format!(
                        "the filtered model of prompt `{}` does not exist",
                        world.prompt_texts[prompt]
                    ),
                    hint: "leave out the prompts that have no valid output".into(),
                })
            })
        };
        let samplers: Result<Vec<_>, Stopped> = (0..world.prompt_texts.len()).map(sampler).collect();
        settle(samplers.map(Self))
    }

    /// That of a prompt.
    pub(crate) fn of(&self, prompt: usize) -> &FilteredSampler {
        &self.0[prompt]
    }
}
