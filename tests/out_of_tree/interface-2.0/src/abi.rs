//! The types of interface 2.0.0, in one file and without what is not needed to lay them out.
#![allow(
    dead_code,
    non_local_definitions,
    non_camel_case_types,
    clippy::all,
    clippy::pedantic,
    reason = "kept as it was"
)]

use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::package_version_strings;
use abi_stable::sabi_trait;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{RBox, ROption, RResult, RSlice, RSliceMut, RStr, RString, RVec};

/// The values of a borrowed column.
#[repr(u8)]
#[derive(StableAbi, Clone, Copy)]
pub enum ColumnData<'a> {
    F64(RSlice<'a, f64>),
    U64(RSlice<'a, u64>),
    U32(RSlice<'a, u32>),
    U8(RSlice<'a, u8>),
}

/// A borrowed column.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct Column<'a> {
    pub name: RStr<'a>,
    pub data: ColumnData<'a>,
}

/// Borrowed columns.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct Columns<'a> {
    pub columns: RSlice<'a, Column<'a>>,
}

/// The values of an owned column.
#[repr(u8)]
#[derive(StableAbi, Clone)]
pub enum OwnedData {
    F64(RVec<f64>),
    U64(RVec<u64>),
    U32(RVec<u32>),
    U8(RVec<u8>),
}

/// An owned column.
#[repr(C)]
#[derive(StableAbi, Clone)]
pub struct OwnedColumn {
    pub name: RString,
    pub data: OwnedData,
}

/// Owned columns.
#[repr(C)]
#[derive(StableAbi, Clone)]
pub struct OwnedColumns {
    pub columns: RVec<OwnedColumn>,
}

/// An error.
#[repr(C)]
#[derive(StableAbi, Debug, Clone)]
pub struct AbiError {
    kind: u32,
    message: RString,
    hint: ROption<RString>,
    field: ROption<RString>,
    /// Line and column, from 1, in the text of the configuration.
    position: ROption<[u64; 2]>,
}

/// The result of every call across the boundary.
pub type AbiResult<T> = RResult<T, AbiError>;

/// A component that a plugin offers.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = Entry_Ref)))]
pub struct Entry<B> {
    pub name: RStr<'static>,
    pub doc: RStr<'static>,
    /// The fields of the configuration, as RON.
    pub fields: RStr<'static>,
    /// What the component understands beyond the plain interface: words, apart by spaces.
    pub offers: RStr<'static>,
    #[sabi(last_prefix_field)]
    pub create: extern "C" fn(RStr<'_>, RStr<'_>) -> AbiResult<B>,
}

/// The root of a plugin file: the components of each kind. New kinds go behind the last field.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRoot_Ref)))]
pub struct PluginRoot {
    /// Version of the plugin's package.
    pub version: RStr<'static>,
    /// Version of `pstar-core` that the plugin was built against.
    pub interface: RStr<'static>,
    pub verifiers: RSlice<'static, Entry_Ref<VerifierBox>>,
    pub base_models: RSlice<'static, Entry_Ref<BaseModelBox>>,
    pub policies: RSlice<'static, Entry_Ref<PolicyBox>>,
    #[sabi(last_prefix_field)]
    pub objectives: RSlice<'static, Entry_Ref<ObjectiveBox>>,
}

impl RootModule for PluginRoot_Ref {
    abi_stable::declare_root_module_statics! {PluginRoot_Ref}
    const BASE_NAME: &'static str = "pstar_plugin";
    const NAME: &'static str = "pstar plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

/// Where random numbers come from.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct BoundaryKey {
    seed: u64,
    step: u32,
    purpose: u8,
    epoch: u8,
    resample: u8,
}

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
