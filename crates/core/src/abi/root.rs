//! What a plugin file exports.

use super::AbiResult;
use super::traits::{BaseModelBox, ObjectiveBox, PolicyBox, VerifierBox};
use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::package_version_strings;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{RSlice, RStr};

/// Makes a component from the RON texts of its configuration and of the task.
pub type Create<B> = extern "C" fn(RStr<'_>, RStr<'_>) -> AbiResult<B>;

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
