//! The probabilities of a model's choices along a product.

use std::sync::Arc;

use pstar_core::math;

use crate::automata::product::{PromptedModel, Role};
use crate::{ExploreError, Product};

/// One model's choices at one position: states × choices.
#[derive(Debug, PartialEq)]
pub(crate) struct RowTable {
    pub(crate) log_probs: Vec<f64>,
    pub(crate) probs: Vec<f64>,
}

impl RowTable {
    fn powered(&self, power: f64) -> Self {
        let raised = |&log: &f64| if log == f64::NEG_INFINITY { log } else { power * log };
        let log_probs: Vec<f64> = self.log_probs.iter().map(raised).collect();
        let probs = log_probs.iter().map(|&log_prob| math::exp(log_prob)).collect();
        Self { log_probs, probs }
    }
}

/// The choices of one model of a product at every position, for the parameters that it had when asked.
///
/// Neighbouring positions with equal layers and equal choices share their memory.
#[derive(Clone, Debug)]
pub struct ModelRows {
    tables: Vec<Arc<RowTable>>,
    has_zeros: bool,
}

impl ModelRows {
    /// Asks `model`, which plays `role` in `product`.
    ///
    /// # Range and cost
    /// One exponential a state, choice and position, where they differ from those of the position before.
    ///
    /// # Errors
    /// The model's own, or if its symbols lead elsewhere than at an earlier position.
    pub fn of<E>(
        product: &Product,
        role: Role,
        model: PromptedModel<'_, E>,
    ) -> Result<Self, ExploreError<E>> {
        let space = product.space();
        let mut tables: Vec<Arc<RowTable>> = Vec::new();
        let (mut log_probs, mut next) = (Vec::new(), Vec::new());
        let mut before: Option<(&Vec<u64>, Vec<u64>)> = None;
        let mut has_zeros = false;
        for (position, layer) in product.layers().iter().enumerate() {
            let states = &layer.states[role as usize];
            log_probs.resize(states.len() * space.choices(), 0.0);
            next.resize(states.len() * space.symbols, 0);
            model
                .model
                .expand(position, states, &mut log_probs, &mut next)
                .map_err(ExploreError::Component)?;
            if let Some((_, moves)) = before.as_ref().filter(|(known, _)| *known == states)
                && position + 1 < space.horizon
                && let Some(moved) = moves.iter().zip(&next).position(|(before, now)| before != now)
            {
                let state = states[moved / space.symbols];
                return Err(ExploreError::PositionDependentMoves { state, position });
            }
            let same = tables.last().filter(|table| table.log_probs == log_probs);
            let table = same.cloned().unwrap_or_else(|| {
                has_zeros |= log_probs.contains(&f64::NEG_INFINITY);
                let probs = log_probs.iter().map(|&log_prob| math::exp(log_prob)).collect();
                Arc::new(RowTable { log_probs: log_probs.clone(), probs })
            });
            tables.push(table);
            before = Some((states, next.clone()));
        }
        Ok(Self { tables, has_zeros })
    }

    /// The choices with their probabilities raised to a power, and no longer normalised; zeros stay zeros, whatever the power.
    ///
    /// # Range and cost
    /// An exponential a state, choice and position, where tables differ from those of the position before.
    #[must_use]
    pub fn powered(&self, power: f64) -> Self {
        let mut tables: Vec<Arc<RowTable>> = Vec::with_capacity(self.tables.len());
        for (position, table) in self.tables.iter().enumerate() {
            let same = position > 0 && Arc::ptr_eq(table, &self.tables[position - 1]);
            tables.push(if same {
                Arc::clone(&tables[position - 1])
            } else {
                Arc::new(table.powered(power))
            });
        }
        Self { tables, has_zeros: self.has_zeros }
    }

    pub(crate) fn table(&self, position: usize) -> &Arc<RowTable> {
        &self.tables[position]
    }

    /// Whether any choice has probability zero.
    pub(crate) fn has_zeros(&self) -> bool {
        self.has_zeros
    }
}
