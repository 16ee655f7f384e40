//! How a plugin file names what it offers.

use crate::abi::{
    BaseModelBox, Create, Entry, Entry_Ref, ObjectiveBox, PluginRoot, PluginRoot_Ref, PolicyBox, VerifierBox,
    install_panic_hook,
};
use crate::adapter::{BaseModelAdapter, ObjectiveAdapter, PolicyAdapter, VerifierAdapter, create_preset};
use crate::author::{BaseModel, Policy, Verifier};
use crate::field::Field;
use crate::objective::{Objective, ObjectivePreset};
use crate::offers;
use abi_stable::prefix_type::PrefixTypeTrait;
use abi_stable::std_types::RSlice;

/// The components of a plugin file, as [`export_plugin!`](crate::export_plugin) collects them.
#[derive(Default)]
#[allow(missing_debug_implementations, reason = "holds entries of the binary interface")]
pub struct Components {
    verifiers: Vec<Entry_Ref<VerifierBox>>,
    base_models: Vec<Entry_Ref<BaseModelBox>>,
    policies: Vec<Entry_Ref<PolicyBox>>,
    objectives: Vec<Entry_Ref<ObjectiveBox>>,
}

fn entry<B: 'static>(
    name: &'static str,
    doc: &'static str,
    fields: &[Field],
    offers: &'static str,
    create: Create<B>,
) -> Entry_Ref<B> {
    let fields = ron::to_string(fields).unwrap_or_default().leak();
    let (name, doc, fields, offers) = (name.into(), doc.into(), (&*fields).into(), offers.into());
    Entry { name, doc, fields, offers, create }.leak_into_prefix()
}

/// The entries live as long as the plugin stays loaded, which is until the process ends.
fn leak<B>(entries: Vec<Entry_Ref<B>>) -> RSlice<'static, Entry_Ref<B>> {
    RSlice::from_slice(entries.leak())
}

impl Components {
    /// Adds a verifier.
    pub fn verifiers<V: Verifier>(&mut self) {
        let offers = offers::of_verifier(V::ANSWER.is_some(), V::JUDGE.is_some());
        self.verifiers.push(entry(V::NAME, V::DOC, V::FIELDS, offers, VerifierAdapter::<V>::create));
    }

    /// Adds a base model.
    pub fn base_models<M: BaseModel>(&mut self) {
        self.base_models.push(entry(
            M::NAME,
            M::DOC,
            M::FIELDS,
            offers::BASE_MODEL,
            BaseModelAdapter::<M>::create,
        ));
    }

    /// Adds a policy.
    pub fn policies<P: Policy>(&mut self) {
        self.policies.push(entry(P::NAME, P::DOC, P::FIELDS, offers::POLICY, PolicyAdapter::<P>::create));
    }

    /// Adds an objective.
    pub fn objectives<O: Objective>(&mut self) {
        self.objectives.push(entry(
            O::NAME,
            O::DOC,
            O::FIELDS,
            offers::OBJECTIVE,
            ObjectiveAdapter::<O>::create,
        ));
    }

    /// Adds another name of an objective.
    pub fn objective_presets<P: ObjectivePreset>(&mut self) {
        let create = create_preset::<P>;
        self.objectives.push(entry(P::NAME, P::DOC, &P::fields(), offers::OBJECTIVE, create));
    }

    /// The root of the file, of the package version `version`.
    pub fn into_root(self, version: &'static str) -> PluginRoot_Ref {
        install_panic_hook();
        PluginRoot {
            version: version.into(),
            interface: env!("CARGO_PKG_VERSION").into(),
            verifiers: leak(self.verifiers),
            base_models: leak(self.base_models),
            policies: leak(self.policies),
            objectives: leak(self.objectives),
        }
        .leak_into_prefix()
    }
}

/// Exports the components of a plugin file. Once a crate, with any of the four kinds, and other names of objectives:
///
/// ```ignore
/// pstar_core::export_plugin!(verifiers: [Palindrome], objectives: [Mine], objective_presets: [MineAsInThePaper]);
/// ```
#[macro_export]
macro_rules! export_plugin {
    ($($kind:ident: [$($component:ty),+ $(,)?]),+ $(,)?) => {
        #[doc(hidden)]
        #[allow(unsafe_code, non_upper_case_globals, unreachable_pub, missing_docs, reason = "what the host looks up")]
        #[unsafe(no_mangle)]
        pub static _1as_0lib_1header_0root_bmodule_bloader: $crate::abi::LibHeader = {
            fn root() -> $crate::abi::PluginRoot_Ref {
                let mut components = $crate::export::Components::default();
                $($(components.$kind::<$component>();)+)+
                components.into_root(env!("CARGO_PKG_VERSION"))
            }
            extern "C" fn erased() -> $crate::abi::RootModuleResult {
                $crate::abi::call_root_module_loader(root)
            }
            // SAFETY: the constructor belongs to the root type that the header names.
            unsafe {
                $crate::abi::LibHeader::from_constructor::<$crate::abi::PluginRoot_Ref>(
                    erased,
                    $crate::abi::CheckTypeLayout::Yes,
                )
            }
        };
    };
}
