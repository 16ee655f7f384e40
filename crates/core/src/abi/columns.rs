//! Named columns, borrowed and owned, and how they are written and read.

use crate::error::{ErrorKind, PluginError};
use abi_stable::StableAbi;
use abi_stable::std_types::{RSlice, RStr, RString, RVec};
use std::ops::Deref;

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
#[derive(StableAbi, Clone, Default)]
pub struct OwnedColumns {
    pub columns: RVec<OwnedColumn>,
}

/// A type of which columns are made.
pub trait Element: Copy + 'static {
    const TYPE: &'static str;
    fn wrap(values: &[Self]) -> ColumnData<'_>;
    fn unwrap<'a>(data: &ColumnData<'a>) -> Option<&'a [Self]>;
    fn take(data: OwnedData) -> Option<Vec<Self>>;
    fn give(values: Vec<Self>) -> OwnedData;
}

macro_rules! element {
    ($type:ty, $variant:ident) => {
        impl Element for $type {
            const TYPE: &'static str = stringify!($type);
            fn wrap(values: &[Self]) -> ColumnData<'_> {
                ColumnData::$variant(values.into())
            }
            fn unwrap<'a>(data: &ColumnData<'a>) -> Option<&'a [Self]> {
                match data {
                    ColumnData::$variant(values) => Some(values.as_slice()),
                    _ => None,
                }
            }
            fn take(data: OwnedData) -> Option<Vec<Self>> {
                match data {
                    OwnedData::$variant(values) => Some(values.into()),
                    _ => None,
                }
            }
            fn give(values: Vec<Self>) -> OwnedData {
                OwnedData::$variant(values.into())
            }
        }
    };
}

element!(f64, F64);
element!(u64, U64);
element!(u32, U32);
element!(u8, U8);

/// Columns of every batch there is: so many need no allocation.
const FEW: usize = 24;

/// Columns under construction.
pub struct ColumnWriter<'a> {
    few: [Column<'a>; FEW],
    count: usize,
    /// All of them, where they are more than a few.
    many: Vec<Column<'a>>,
}

impl Default for ColumnWriter<'_> {
    fn default() -> Self {
        let none = Column { name: RStr::from_str(""), data: ColumnData::U8(RSlice::EMPTY) };
        Self { few: [none; FEW], count: 0, many: Vec::new() }
    }
}

impl<'a> ColumnWriter<'a> {
    pub fn put<T: Element>(&mut self, name: &'a str, values: &'a [T]) {
        let column = Column { name: name.into(), data: T::wrap(values) };
        if self.count < FEW {
            self.few[self.count] = column;
            self.count += 1;
            return;
        }
        if self.many.is_empty() {
            self.many.extend_from_slice(&self.few);
        }
        self.many.push(column);
    }

    pub fn columns(&self) -> Columns<'_> {
        let columns = if self.many.is_empty() { &self.few[..self.count] } else { &self.many };
        Columns { columns: columns.into() }
    }
}

impl<'a> Columns<'a> {
    /// The column `name`, if it is there; it must be of type `T`.
    pub fn find<T: Element>(&self, name: &str) -> Result<Option<&'a [T]>, PluginError> {
        let column = self.columns.as_slice().iter().find(|column| column.name.as_str() == name);
        let values = column.map(|column| T::unwrap(&column.data));
        match values {
            None => Ok(None),
            Some(Some(values)) => Ok(Some(values)),
            Some(None) => {
                Err(PluginError::contract(format!("the column `{name}` is not of type {}", T::TYPE)))
            }
        }
    }

    /// Refuses columns that change the meaning of the others, their names beginning with `!`, other than those `known`:
    /// whoever dropped such a column would answer another question.
    pub(crate) fn refuse_unknown(&self, known: &[&str]) -> Result<(), PluginError> {
        refuse_unknown(self.columns.as_slice().iter().map(|column| column.name.as_str()), known)
    }

    /// The column `name`.
    pub fn get<T: Element>(&self, name: &str) -> Result<&'a [T], PluginError> {
        self.find(name)?.ok_or_else(|| PluginError::contract(format!("the batch has no column `{name}`")))
    }
}

impl OwnedColumns {
    pub fn put<T: Element>(&mut self, name: &str, values: Vec<T>) {
        self.columns.push(OwnedColumn { name: name.into(), data: T::give(values) });
    }

    /// As [`Columns::refuse_unknown`].
    pub(crate) fn refuse_unknown(&self, known: &[&str]) -> Result<(), PluginError> {
        refuse_unknown(self.columns.iter().map(|column| column.name.as_str()), known)
    }

    /// Removes and returns the column `name` as it is: nothing is copied.
    pub fn take_numbers(&mut self, name: &str) -> Option<Numbers> {
        let position = self.columns.iter().position(|column| column.name == name)?;
        match self.columns.remove(position).data {
            OwnedData::F64(values) => Some(Numbers(values)),
            _ => None,
        }
    }

    /// Removes and returns the column `name`.
    pub fn take<T: Element>(&mut self, name: &str) -> Option<Vec<T>> {
        let position = self.columns.iter().position(|column| column.name == name)?;
        T::take(self.columns.remove(position).data)
    }
}

/// Numbers where the other side of the boundary put them, and where they will be freed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers(RVec<f64>);

impl Deref for Numbers {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        self.0.as_slice()
    }
}

fn refuse_unknown<'n>(mut names: impl Iterator<Item = &'n str>, known: &[&str]) -> Result<(), PluginError> {
    match names.find(|name| name.starts_with('!') && !known.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let message =
                format!("the column `{name}` is not understood, and what it changes must not be lost");
            let hint = "build plugins and host with one version of `pstar-core`";
            Err(PluginError::new(ErrorKind::Unsupported, message).with_hint(hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_columns_and_many_are_found_by_their_names() {
        let names: Vec<String> = (0..60).map(|n| format!("column {n}")).collect();
        let values: Vec<[u32; 1]> = (0..60).map(|n| [n]).collect();
        for count in [0, 1, FEW - 1, FEW, FEW + 1, 60] {
            let mut writer = ColumnWriter::default();
            for (name, values) in names.iter().zip(&values).take(count) {
                writer.put(name, values);
            }
            let columns = writer.columns();
            assert_eq!(columns.columns.len(), count);
            for (name, values) in names.iter().zip(&values).take(count) {
                assert_eq!(columns.get::<u32>(name).unwrap(), values);
            }
        }
    }
}
