//! The product of base, verifier and perhaps a policy for one prompt.

use super::enumerator::View;
use super::stopped::{Stopped, Unavailable};
use crate::world::World;
use pstar_exact::dynamic::PowerChain;
use pstar_exact::{Acceptor, ModelRows, Product, PromptedModel, Role, WeightedProduct};
use pstar_loader::{ModelHandle, PolicyHandle};

/// The product of base, verifier and perhaps a policy for one prompt, and the base's probabilities along it.
pub(crate) struct ExploredPrompt {
    pub(crate) product: Product,
    pub(crate) base: ModelRows,
    /// Where the policy starts; the base where there is none.
    start: u64,
}

impl ExploredPrompt {
    /// Explores the product.
    pub(crate) fn new(
        world: &World,
        policy: Option<&PolicyHandle>,
        prompt: usize,
        acceptor: &Acceptor,
    ) -> Result<Self, Stopped> {
        let tokens = world.prompts.view().row(prompt);
        let limit = world.evaluation.max_states;
        let view = View(&world.base);
        let base = PromptedModel { model: &view, start: start(&world.base, tokens, "the base")? };
        let (product, start) = match policy {
            None => (Product::explore(&[base], acceptor, limit)?, base.start),
            Some(policy) => {
                let own = View(policy);
                let own = PromptedModel { model: &own, start: start(policy, tokens, "the policy")? };
                (Product::explore(&[base, own], acceptor, limit)?, own.start)
            }
        };
        let base = ModelRows::of(&product, Role::Base, base)?;
        Ok(Self { product, base, start })
    }

    /// log Z_α of the base; −∞ where it reaches no valid output.
    pub(crate) fn log_power_partition(&self, power: f64) -> f64 {
        let weighted = WeightedProduct::of_base(&self.product, &self.base);
        PowerChain::new(&weighted, power).map_or(f64::NEG_INFINITY, |chain| chain.log_partition())
    }

    /// The same with a power of the base in the base's place, no longer normalised.
    pub(crate) fn powered(&self, power: f64) -> Self {
        Self { product: self.product.clone(), base: self.base.powered(power), start: self.start }
    }

    /// The probabilities of a policy of the same class along the product.
    pub(crate) fn rows_of(&self, policy: &PolicyHandle) -> Result<ModelRows, Stopped> {
        let view = View(policy);
        Ok(ModelRows::of(&self.product, Role::Policy, PromptedModel { model: &view, start: self.start })?)
    }
}

/// The state of a model behind a prompt.
fn start(model: &dyn ModelHandle, prompt: &[u32], what: &str) -> Result<u64, Stopped> {
    model
        .start(prompt)?
        .ok_or_else(|| Stopped::Limited(Unavailable::no_view(&format!("{what} `{}`", model.name()))))
}
