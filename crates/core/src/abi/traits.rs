//! The four component traits as they cross the boundary. New methods go behind `last_prefix_field` and carry
//! a default.

use super::{AbiResult, BoundaryKey, Columns, OwnedColumns};
use abi_stable::sabi_trait;
use abi_stable::std_types::{RBox, ROption, RSlice, RSliceMut, RStr, RString, RVec};

pub type VerifierBox = AbiVerifier_TO<'static, RBox<()>>;
pub type IncrementalBox = AbiIncremental_TO<'static, RBox<()>>;
pub type BaseModelBox = AbiBaseModel_TO<'static, RBox<()>>;
pub type PolicyBox = AbiPolicy_TO<'static, RBox<()>>;
pub type ObjectiveBox = AbiObjective_TO<'static, RBox<()>>;

#[sabi_trait]
pub trait AbiVerifier: Send + Sync {
    /// One verdict, 0 or 1, a sequence.
    fn verify(&self, batch: Columns<'_>, verdicts: RSliceMut<'_, u8>) -> AbiResult<()>;

    /// Prompts of the verifier's own making.
    fn prompts(&self, count: u64, key: BoundaryKey) -> AbiResult<ROption<RVec<RString>>>;

    /// The verifier of a prompt, reading symbol by symbol, if it offers that.
    fn incremental(&self, prompt: RSlice<'_, u32>) -> AbiResult<ROption<IncrementalBox>>;

    /// The files that it was made from, as RON; none where the component does not tell.
    #[sabi(last_prefix_field)]
    fn files(&self) -> AbiResult<ROption<RString>>;

    /// For each response the answer that it gives, whatever its spelling, or none; none of all where it tells none.
    fn answers(&self, _batch: Columns<'_>) -> AbiResult<ROption<RVec<ROption<RString>>>> {
        AbiResult::ROk(ROption::RNone)
    }

    /// As `verify` for verifiers that may say more, 0 invalid, 1 valid, 2 no verdict, 3 and 4 invalid and valid by a
    /// threshold; answers the reason of every 2, in order. None where it has nothing more to say than `verify`.
    fn judge(&self, _batch: Columns<'_>, _verdicts: RSliceMut<'_, u8>) -> AbiResult<ROption<RVec<RString>>> {
        AbiResult::ROk(ROption::RNone)
    }
}

/// States are numbers that `start` and `expand` have given out; `u64::MAX` is dead.
#[sabi_trait]
pub trait AbiIncremental: Send {
    fn start(&mut self, horizon: u64) -> AbiResult<u64>;

    /// One flag a state.
    fn accepts(&self, states: RSlice<'_, u64>, accepts: RSliceMut<'_, u8>) -> AbiResult<()>;

    /// States × symbols, each reached with `remaining` symbols to come at most.
    #[sabi(last_prefix_field)]
    fn expand(&mut self, states: RSlice<'_, u64>, remaining: u64, next: RSliceMut<'_, u64>) -> AbiResult<()>;
}

#[sabi_trait]
pub trait AbiBaseModel: Send + Sync {
    /// Sequences and their token log-probabilities.
    fn sample(&self, request: Columns<'_>, key: BoundaryKey) -> AbiResult<OwnedColumns>;

    /// Token log-probabilities.
    fn score(&self, batch: Columns<'_>, log_probs: RSliceMut<'_, f64>) -> AbiResult<()>;

    /// The state of the finite-state view behind a prompt, if there is such a view.
    fn start(&self, prompt: RSlice<'_, u32>) -> AbiResult<ROption<u64>>;

    /// The choices of states at a position, and where each symbol leads.
    fn expand(
        &self,
        position: u64,
        states: RSlice<'_, u64>,
        log_probs: RSliceMut<'_, f64>,
        next: RSliceMut<'_, u64>,
    ) -> AbiResult<()>;

    /// Parameters and their shape, for a policy that copies them.
    fn parameters(&self) -> AbiResult<ROption<OwnedColumns>>;

    /// Log-probabilities of all outputs; whether they were written.
    fn score_outputs(&self, prompt: RSlice<'_, u32>, log_probs: RSliceMut<'_, f64>) -> AbiResult<bool>;

    /// The files that it was made from, as RON; none where the component does not tell.
    #[sabi(last_prefix_field)]
    fn files(&self) -> AbiResult<ROption<RString>>;

    /// As `sample`, into room for sequences × horizon tokens; whether it was written.
    fn sample_into(
        &self,
        _request: Columns<'_>,
        _key: BoundaryKey,
        _tokens: RSliceMut<'_, u32>,
        _log_probs: RSliceMut<'_, f64>,
        _ends: RSliceMut<'_, u64>,
    ) -> AbiResult<bool> {
        AbiResult::ROk(false)
    }
}

#[sabi_trait]
pub trait AbiPolicy: Send + Sync {
    fn sample(&self, request: Columns<'_>, key: BoundaryKey) -> AbiResult<OwnedColumns>;

    fn score(&self, batch: Columns<'_>, log_probs: RSliceMut<'_, f64>) -> AbiResult<()>;

    fn start(&self, prompt: RSlice<'_, u32>) -> AbiResult<ROption<u64>>;

    fn expand(
        &self,
        position: u64,
        states: RSlice<'_, u64>,
        log_probs: RSliceMut<'_, f64>,
        next: RSliceMut<'_, u64>,
    ) -> AbiResult<()>;

    fn parameters(&self) -> AbiResult<ROption<OwnedColumns>>;

    fn parameter_count(&self) -> AbiResult<u64>;

    fn set_parameters(&mut self, parameters: RSlice<'_, f64>) -> AbiResult<()>;

    fn randomise(&mut self, key: BoundaryKey) -> AbiResult<()>;

    /// Σ_i w_i Σ_t c_it ∇ log q into `gradient`.
    fn gradient(&self, batch: Columns<'_>, gradient: RSliceMut<'_, f64>) -> AbiResult<()>;

    /// Weighted maximum likelihood.
    fn fit(&mut self, batch: Columns<'_>) -> AbiResult<()>;

    /// Log-probabilities of all outputs; whether they were written.
    fn score_outputs(&self, prompt: RSlice<'_, u32>, log_probs: RSliceMut<'_, f64>) -> AbiResult<bool>;

    /// Where each state's logits begin among the parameters; whether they were written.
    fn rows(&self, position: u64, states: RSlice<'_, u64>, rows: RSliceMut<'_, u64>) -> AbiResult<bool>;

    /// What a row is conditioned on.
    fn row_name(&self, row: u64) -> AbiResult<ROption<RString>>;

    /// The files that it was made from, as RON; none where the component does not tell.
    #[sabi(last_prefix_field)]
    fn files(&self) -> AbiResult<ROption<RString>>;

    /// As `sample`, into room for sequences × horizon tokens; whether it was written.
    fn sample_into(
        &self,
        _request: Columns<'_>,
        _key: BoundaryKey,
        _tokens: RSliceMut<'_, u32>,
        _log_probs: RSliceMut<'_, f64>,
        _ends: RSliceMut<'_, u64>,
    ) -> AbiResult<bool> {
        AbiResult::ROk(false)
    }
}

#[sabi_trait]
pub trait AbiObjective: Send {
    /// What the objective needs and aims at: for each entry a column of its RON text.
    fn declaration(&self) -> AbiResult<OwnedColumns>;

    /// The exact values of the task, before the first step.
    fn prepare(&mut self, prompts: Columns<'_>) -> AbiResult<()>;

    /// A batch that was drawn, before the first step on it.
    fn observe(&mut self, batch: Columns<'_>) -> AbiResult<()>;

    /// The coefficients of one step.
    fn step(&mut self, batch: Columns<'_>) -> AbiResult<OwnedColumns>;

    /// What it has learnt so far.
    fn save(&self) -> AbiResult<RString>;

    /// Takes up what `save` gave.
    fn restore(&mut self, state: RStr<'_>) -> AbiResult<()>;

    /// The files that it was made from, as RON; none where the component does not tell.
    #[sabi(last_prefix_field)]
    fn files(&self) -> AbiResult<ROption<RString>>;
}
