//! Whether a file is a whole dynamic library.
//!
//! The dynamic linker maps what the headers promise: of a file that was cut short it reads pages that are not
//! there, and the process ends by a signal. So the headers are compared with the file's length first.

use object::read::elf::{ElfFile32, ElfFile64, FileHeader, ProgramHeader};
use object::{Endianness, FileKind};

/// Says what is wrong with the bytes of a dynamic library, if anything.
pub(super) fn fault(bytes: &[u8]) -> Option<String> {
    match FileKind::parse(bytes) {
        Ok(FileKind::Elf64) => ElfFile64::<Endianness>::parse(bytes)
            .map_err(|error| format!("the file is cut short or damaged ({error})"))
            .map_or_else(Some, |file| elf_fault(file.elf_header(), file.endian(), bytes)),
        Ok(FileKind::Elf32) => ElfFile32::<Endianness>::parse(bytes)
            .map_err(|error| format!("the file is cut short or damaged ({error})"))
            .map_or_else(Some, |file| elf_fault(file.elf_header(), file.endian(), bytes)),
        Ok(FileKind::MachO64 | FileKind::MachO32 | FileKind::MachOFat64 | FileKind::MachOFat32) => None,
        Ok(_) | Err(_) => Some("it is no dynamic library".into()),
    }
}

/// The first header table or segment that reaches behind the end of the file.
fn elf_fault<H: FileHeader<Endian = Endianness>>(
    header: &H,
    endian: Endianness,
    bytes: &[u8],
) -> Option<String> {
    let length = bytes.len() as u64;
    let segments = match header.program_headers(endian, bytes) {
        Ok(segments) => segments,
        Err(error) => return Some(format!("its program headers cannot be read: {error}")),
    };
    let needed = segments.iter().map(|segment| {
        let (offset, size) = (segment.p_offset(endian).into(), segment.p_filesz(endian).into());
        u64::saturating_add(offset, size)
    });
    let table: u64 = header.e_shoff(endian).into();
    let sections = u64::from(header.e_shnum(endian)) * u64::from(header.e_shentsize(endian));
    let needed = needed.chain([table.saturating_add(sections)]).max().unwrap_or(0);
    (needed > length)
        .then(|| format!("the file is cut short: its headers describe {needed} bytes, it has {length}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_of_this_executable_is_noticed() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(fault(&bytes), None);
        if cfg!(target_os = "linux") {
            for length in [0, 3, 40, 100, bytes.len() / 2, bytes.len() - 1] {
                assert!(fault(&bytes[..length]).is_some(), "cut to {length}");
            }
        }
    }

    #[test]
    fn text_is_no_library() {
        assert_eq!(fault(b"hello, world, this is text").unwrap(), "it is no dynamic library");
    }
}
