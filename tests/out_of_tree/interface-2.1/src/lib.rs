//! An objective of interface 2.1.0: right answers share 1 among those of their group that are equal, and every position's
//! entropy has a bonus of 0.01.

mod abi;

use abi::{
    AbiObjective, AbiObjective_TO, AbiResult, ColumnData, Columns, Entry, ObjectiveBox, OwnedColumn, OwnedColumns, OwnedData,
    PluginRoot, PluginRoot_Ref,
};
use abi_stable::library::{
    __call_root_module_loader as call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult,
};
use abi_stable::prefix_type::PrefixTypeTrait;
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{ROption, RSlice, RStr, RString, RVec};

struct Shared;

/// The values of a column, which is there.
fn column<'a>(batch: &Columns<'a>, name: &str) -> ColumnData<'a> {
    let found = batch.columns.as_slice().iter().find(|column| column.name.as_str() == name);
    found.unwrap_or_else(|| panic!("a batch has the column `{name}`")).data
}

fn whole<'a>(batch: &Columns<'a>, name: &str) -> &'a [u64] {
    match column(batch, name) {
        ColumnData::U64(values) => values.as_slice(),
        _ => panic!("`{name}` holds whole numbers"),
    }
}

fn numbers<'a>(batch: &Columns<'a>, name: &str) -> &'a [f64] {
    match column(batch, name) {
        ColumnData::F64(values) => values.as_slice(),
        _ => panic!("`{name}` holds numbers"),
    }
}

fn owned(name: &str, data: OwnedData) -> OwnedColumn {
    OwnedColumn { name: name.into(), data }
}

impl AbiObjective for Shared {
    fn declaration(&self) -> AbiResult<OwnedColumns> {
        let entry = |name: &str, text: &str| owned(name, OwnedData::U8(RVec::from(text.as_bytes().to_vec())));
        let columns = vec![entry("minimum_group", "2"), entry("outcomes", "true")];
        AbiResult::ROk(OwnedColumns { columns: columns.into() })
    }

    fn prepare(&mut self, prompts: Columns<'_>) -> AbiResult<()> {
        // What this version added to the facts of prompts.
        assert_eq!(numbers(&prompts, "log_top_valid").len(), numbers(&prompts, "log_partition").len());
        AbiResult::ROk(())
    }

    fn observe(&mut self, _: Columns<'_>) -> AbiResult<()> {
        AbiResult::ROk(())
    }

    fn step(&mut self, batch: Columns<'_>) -> AbiResult<OwnedColumns> {
        let (groups, offsets) = (whole(&batch, "group_offsets"), whole(&batch, "offsets"));
        let (rewards, outcomes) = (numbers(&batch, "rewards"), whole(&batch, "outcome"));
        assert_eq!(whole(&batch, "horizon").len(), 1);
        let mut coefficients = Vec::new();
        for group in groups.windows(2).map(|ends| ends[0] as usize..ends[1] as usize) {
            for i in group.clone() {
                let equal = group.clone().filter(|&j| outcomes[j] == outcomes[i]).count();
                let length = (offsets[i + 1] - offsets[i]) as usize;
                coefficients.extend(std::iter::repeat_n(rewards[i] / equal as f64, length));
            }
        }
        let entropy = vec![0.01; coefficients.len()];
        let columns = vec![
            owned("coefficients", OwnedData::F64(coefficients.into())),
            owned("!entropy", OwnedData::F64(entropy.into())),
        ];
        AbiResult::ROk(OwnedColumns { columns: columns.into() })
    }

    fn save(&self) -> AbiResult<RString> {
        AbiResult::ROk(RString::new())
    }

    fn restore(&mut self, _: RStr<'_>) -> AbiResult<()> {
        AbiResult::ROk(())
    }

    fn files(&self) -> AbiResult<ROption<RString>> {
        AbiResult::ROk(ROption::RNone)
    }
}

extern "C" fn create(_: RStr<'_>, _: RStr<'_>) -> AbiResult<ObjectiveBox> {
    AbiResult::ROk(AbiObjective_TO::from_value(Shared, TD_Opaque))
}

fn root() -> PluginRoot_Ref {
    let entry = Entry {
        name: "shared".into(),
        doc: "maximises the expected number of different right answers, more or less".into(),
        fields: "[]".into(),
        offers: "epochs sources outcomes".into(),
        create: create as extern "C" fn(RStr<'_>, RStr<'_>) -> AbiResult<ObjectiveBox>,
    };
    PluginRoot {
        version: "1.0.0".into(),
        interface: env!("CARGO_PKG_VERSION").into(),
        verifiers: RSlice::EMPTY,
        base_models: RSlice::EMPTY,
        policies: RSlice::EMPTY,
        objectives: RSlice::from_slice(vec![entry.leak_into_prefix()].leak()),
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
