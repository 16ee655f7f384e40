//! A verifier of interface 2.0.0: valid is a response of an even number of symbols.

mod abi;

use abi::{
    AbiResult, AbiVerifier, AbiVerifier_TO, BoundaryKey, ColumnData, Columns, Entry, IncrementalBox, PluginRoot,
    PluginRoot_Ref, VerifierBox,
};
use abi_stable::library::{
    __call_root_module_loader as call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult,
};
use abi_stable::prefix_type::PrefixTypeTrait;
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{ROption, RSlice, RSliceMut, RStr, RString, RVec};

struct EvenLength;

impl AbiVerifier for EvenLength {
    fn verify(&self, batch: Columns<'_>, mut verdicts: RSliceMut<'_, u8>) -> AbiResult<()> {
        let offsets = batch.columns.iter().find(|column| column.name.as_str() == "offsets");
        let Some(ColumnData::U64(offsets)) = offsets.map(|column| column.data) else {
            panic!("a batch has offsets")
        };
        for (verdict, ends) in verdicts.iter_mut().zip(offsets.as_slice().windows(2)) {
            *verdict = u8::from((ends[1] - ends[0]) % 2 == 0);
        }
        AbiResult::ROk(())
    }

    fn prompts(&self, _: u64, _: BoundaryKey) -> AbiResult<ROption<RVec<RString>>> {
        AbiResult::ROk(ROption::RNone)
    }

    fn incremental(&self, _: RSlice<'_, u32>) -> AbiResult<ROption<IncrementalBox>> {
        AbiResult::ROk(ROption::RNone)
    }

    fn files(&self) -> AbiResult<ROption<RString>> {
        AbiResult::ROk(ROption::RNone)
    }
}

extern "C" fn create(_: RStr<'_>, _: RStr<'_>) -> AbiResult<VerifierBox> {
    AbiResult::ROk(AbiVerifier_TO::from_value(EvenLength, TD_Opaque))
}

fn root() -> PluginRoot_Ref {
    let entry = Entry {
        name: "even-length".into(),
        doc: "valid is a response of an even number of symbols".into(),
        fields: "[]".into(),
        offers: "".into(),
        create: create as extern "C" fn(RStr<'_>, RStr<'_>) -> AbiResult<VerifierBox>,
    };
    PluginRoot {
        version: "1.0.0".into(),
        interface: env!("CARGO_PKG_VERSION").into(),
        verifiers: RSlice::from_slice(vec![entry.leak_into_prefix()].leak()),
        base_models: RSlice::EMPTY,
        policies: RSlice::EMPTY,
        objectives: RSlice::EMPTY,
    }
    .leak_into_prefix()
}

extern "C" fn erased() -> RootModuleResult {
    call_root_module_loader(root)
}

#[allow(non_upper_case_globals)]
#[unsafe(no_mangle)]
pub static _1as_0lib_1header_0root_bmodule_bloader: LibHeader =
    // SAFETY: the constructor belongs to the root type that the header names.
    unsafe { LibHeader::from_constructor::<PluginRoot_Ref>(erased, CheckTypeLayout::Yes) };
