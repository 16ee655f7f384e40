//! The table of a library, as it is written in C, and as it was checked.

use std::ffi::{c_char, c_void};
use std::mem::{align_of, size_of};
use thiserror::Error;

/// The version of the interface that this host reads.
const ABI: u32 = 1;

/// The most bytes of a name, a version or a sentence.
const MOST_BYTES: usize = 4096;

/// `pstar_text`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct RawText {
    pub(super) data: *const c_char,
    pub(super) length: usize,
}

pub(super) type Create = unsafe extern "C" fn(RawText, *mut *mut c_void, *mut c_char, usize) -> i32;
pub(super) type Verify = unsafe extern "C" fn(
    *mut c_void,
    *const RawText,
    *const RawText,
    usize,
    *mut u8,
    *mut c_char,
    usize,
) -> i32;
pub(super) type Destroy = unsafe extern "C" fn(*mut c_void);

/// What every version of `pstar_verifier` begins with.
#[repr(C)]
struct Head {
    abi: u32,
    size: u32,
}

/// `pstar_verifier`.
#[repr(C)]
pub(super) struct RawTable {
    head: Head,
    name: RawText,
    version: RawText,
    doc: RawText,
    create: Option<Create>,
    verify: Option<Verify>,
    destroy: Option<Destroy>,
}

/// A table that holds what it must.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) doc: String,
    pub(super) create: Create,
    pub(super) verify: Verify,
    pub(super) destroy: Destroy,
}

/// What is wrong with the table of a verifier in C.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TableFault {
    /// There is none, or it does not lie where a table can.
    #[error("`pstar_verifier_table` gave no table: the pointer {address:#x}")]
    None {
        /// What was given.
        address: usize,
    },
    /// It is of another version.
    #[error("its verifier is of interface {found}, this host has {ABI}")]
    Abi {
        /// The version of the table.
        found: u32,
    },
    /// It is smaller than a table of its version.
    #[error("its table of a verifier says that it has {found} bytes, expected at least {expected}")]
    Size {
        /// What it says.
        found: u32,
        /// The size of version 1.
        expected: usize,
    },
    /// A function is missing.
    #[error("its table of a verifier has no function `{field}`")]
    Function {
        /// Which.
        field: &'static str,
    },
    /// A text is none.
    #[error("the `{field}` in its table of a verifier {fault}")]
    Text {
        /// Which.
        field: &'static str,
        /// What is wrong.
        fault: String,
    },
}

impl Table {
    /// Reads and checks a table.
    ///
    /// # Safety
    /// A pointer that is neither null nor unaligned points to as many bytes as the table's `size` says, and the texts in it to
    /// as many as theirs.
    pub(super) unsafe fn read(raw: *const RawTable) -> Result<Self, TableFault> {
        let address = raw.addr();
        if raw.is_null() || !address.is_multiple_of(align_of::<RawTable>()) {
            return Err(TableFault::None { address });
        }
        // SAFETY: every version begins with this, and it is aligned.
        let &Head { abi, size } = unsafe { &*raw.cast::<Head>() };
        if abi != ABI {
            return Err(TableFault::Abi { found: abi });
        }
        let expected = size_of::<RawTable>();
        if (size as usize) < expected {
            return Err(TableFault::Size { found: size, expected });
        }
        // SAFETY: it has the size of a whole table.
        let raw = unsafe { &*raw };
        // SAFETY: as the caller promises of each.
        let [name, version, doc] =
            unsafe { [text("name", raw.name)?, text("version", raw.version)?, text("doc", raw.doc)?] };
        if name.is_empty() || name.contains(|c: char| c.is_control() || c.is_whitespace()) {
            let fault = format!("must be a word, found `{}`", pstar_core::shown(&name));
            return Err(TableFault::Text { field: "name", fault });
        }
        let missing = |field| TableFault::Function { field };
        Ok(Self {
            name,
            version,
            doc,
            create: raw.create.ok_or_else(|| missing("create"))?,
            verify: raw.verify.ok_or_else(|| missing("verify"))?,
            destroy: raw.destroy.ok_or_else(|| missing("destroy"))?,
        })
    }
}

/// A text of a table.
///
/// # Safety
/// A pointer that is not null points to as many bytes as the length says.
unsafe fn text(field: &'static str, RawText { data, length }: RawText) -> Result<String, TableFault> {
    let fault = |fault: String| TableFault::Text { field, fault };
    if length == 0 {
        return Ok(String::new());
    }
    if data.is_null() {
        return Err(fault(format!("is a null pointer with a length of {length}")));
    }
    if length > MOST_BYTES {
        return Err(fault(format!("has {length} bytes, expected at most {MOST_BYTES}")));
    }
    // SAFETY: there are as many bytes, as the caller promises.
    let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length) };
    std::str::from_utf8(bytes).map(String::from).map_err(|error| fault(format!("is no UTF-8: {error}")))
}
