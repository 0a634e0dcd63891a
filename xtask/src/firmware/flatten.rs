//! From an ELF file to the bytes of the processor's RAM at reset.

use anyhow::{Context, Result, bail, ensure};
use object::{
    LittleEndian,
    elf::{self, FileHeader32},
    read::elf::{FileHeader, ProgramHeader},
};

/// A range of the processor's address space.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Address of the first byte.
    pub base: u64,
    /// Size in bytes.
    pub bytes: u64,
}

/// Lays every loadable segment of a 32-bit RISC-V ELF file at its physical address. The image begins at the start of
/// `memory` and ends with the last byte that the file provides, rounded up to a word; gaps are zero.
///
/// # Errors
/// When `elf` is no such file, a segment (with the zeroed memory behind it) lies outside `memory` or on another, or
/// execution does not begin at the start of `memory`, where the processor leaves reset.
pub fn flatten(elf: &[u8], memory: Memory) -> Result<Vec<u8>> {
    let header = FileHeader32::<LittleEndian>::parse(elf).context("this is no 32-bit ELF file")?;
    let endian = header
        .endian()
        .context("this is no little-endian ELF file")?;
    let machine = header.e_machine(endian);
    ensure!(
        machine == elf::EM_RISCV,
        "this is no RISC-V program: ELF machine {machine:?}"
    );
    let entry = u64::from(header.e_entry(endian));
    ensure!(
        entry == memory.base,
        "execution begins at {entry:#010x}, but the processor leaves reset at {:#010x}; the linker script must place \
         the start code first",
        memory.base
    );

    let mut image = Vec::new();
    let mut placed: Vec<(u64, u64)> = Vec::new();
    for segment in header
        .program_headers(endian, elf)
        .context("damaged program headers")?
    {
        let bytes_in_memory = u64::from(segment.p_memsz(endian));
        if segment.p_type(endian) != elf::PT_LOAD || bytes_in_memory == 0 {
            continue;
        }
        let start = u64::from(segment.p_paddr(endian));
        let end = start + bytes_in_memory;
        if start < memory.base || end > memory.base + memory.bytes {
            bail!(
                "the segment {start:#010x}..{end:#010x} lies outside the processor's memory {:#010x}..{:#010x}: raise \
                 processor.ram_bytes in the configuration of the NIU, or make the firmware smaller",
                memory.base,
                memory.base + memory.bytes
            );
        }
        let Ok(contents) = segment.data(endian, elf) else {
            bail!("the segment at {start:#010x} reaches beyond the end of the file");
        };
        if let Some((other, _)) = placed
            .iter()
            .find(|(other, other_end)| start < *other_end && *other < end)
        {
            bail!("the segments at {other:#010x} and {start:#010x} overlap");
        }
        placed.push((start, end));
        if contents.is_empty() {
            continue; // memory that the program's start code zeroes
        }
        // Both fit into usize: they are bounded by the size of the memory.
        let offset = (start - memory.base) as usize;
        if image.len() < offset + contents.len() {
            image.resize(offset + contents.len(), 0);
        }
        image[offset..offset + contents.len()].copy_from_slice(contents);
    }
    ensure!(!image.is_empty(), "the program has no contents to load");
    image.resize(image.len().next_multiple_of(4), 0);
    Ok(image)
}

/// One little-endian 32-bit word a line, as Verilog's `$readmemh` reads them.
pub fn hexadecimal_words(image: &[u8]) -> String {
    let mut text = String::with_capacity(image.len() / 4 * 9);
    for word in image.chunks(4) {
        for byte in word.iter().rev() {
            text += &format!("{byte:02x}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: Memory = Memory {
        base: 0x4000_0000,
        bytes: 0x100,
    };

    /// A segment of a hand-made ELF file: virtual and physical address, contents, size in memory.
    struct Segment<'a> {
        kind: u32,
        physical: u32,
        contents: &'a [u8],
        bytes_in_memory: u32,
    }

    fn load(physical: u32, contents: &[u8]) -> Segment<'_> {
        Segment {
            kind: 1,
            physical,
            contents,
            bytes_in_memory: contents.len() as u32,
        }
    }

    /// The ELF layout in numbers of its own, so that the crate's constants are checked too.
    fn elf_file(machine: u16, entry: u32, segments: &[Segment]) -> Vec<u8> {
        let mut file = b"\x7fELF\x01\x01\x01".to_vec();
        file.resize(16, 0);
        let half = |value: u16, file: &mut Vec<u8>| file.extend(value.to_le_bytes());
        let word = |value: u32, file: &mut Vec<u8>| file.extend(value.to_le_bytes());
        half(2, &mut file);
        half(machine, &mut file);
        for value in [1, entry, 52, 0, 0] {
            word(value, &mut file);
        }
        for value in [52, 32, segments.len() as u16, 40, 0, 0] {
            half(value, &mut file);
        }
        let mut offset = (52 + 32 * segments.len()) as u32;
        for segment in segments {
            let length = segment.contents.len() as u32;
            // The virtual address is elsewhere on purpose.
            for value in [
                segment.kind,
                offset,
                0x1234_0000,
                segment.physical,
                length,
                segment.bytes_in_memory,
                5,
                4,
            ] {
                word(value, &mut file);
            }
            offset += length;
        }
        for segment in segments {
            file.extend(segment.contents);
        }
        file
    }

    fn error_of(file: &[u8]) -> String {
        format!("{:#}", flatten(file, MEMORY).unwrap_err())
    }

    #[test]
    fn segments_lie_at_their_physical_addresses_with_zeros_between() {
        let file = elf_file(
            243,
            0x4000_0000,
            &[
                load(0x4000_0008, &[5, 6, 7]),
                load(0x4000_0000, &[1, 2, 3, 4]),
            ],
        );
        assert_eq!(
            flatten(&file, MEMORY).unwrap(),
            [1, 2, 3, 4, 0, 0, 0, 0, 5, 6, 7, 0]
        );
    }

    #[test]
    fn zeroed_memory_takes_no_place_in_the_image_but_must_fit() {
        let mut zeroed = load(0x4000_0010, &[]);
        zeroed.bytes_in_memory = 0xf0;
        let file = elf_file(243, 0x4000_0000, &[load(0x4000_0000, &[9; 4]), zeroed]);
        assert_eq!(flatten(&file, MEMORY).unwrap(), [9; 4]);

        let mut zeroed = load(0x4000_0010, &[]);
        zeroed.bytes_in_memory = 0xf1;
        let file = elf_file(243, 0x4000_0000, &[load(0x4000_0000, &[9; 4]), zeroed]);
        assert!(
            error_of(&file).contains("0x40000010..0x40000101 lies outside"),
            "{}",
            error_of(&file)
        );
    }

    #[test]
    fn other_segments_are_ignored() {
        let mut note = load(0, &[1; 8]);
        note.kind = 4;
        let file = elf_file(243, 0x4000_0000, &[note, load(0x4000_0000, &[9; 4])]);
        assert_eq!(flatten(&file, MEMORY).unwrap(), [9; 4]);
    }

    #[test]
    fn programs_that_cannot_run_are_refused_with_the_reason() {
        let good = [load(0x4000_0000, &[9; 4])];
        assert!(error_of(b"no ELF").contains("no 32-bit ELF"));
        assert!(error_of(&elf_file(40, 0x4000_0000, &good)).contains("no RISC-V"));
        assert!(error_of(&elf_file(243, 0x4000_0004, &good)).contains("begins at 0x40000004"));
        assert!(error_of(&elf_file(243, 0x4000_0000, &[])).contains("no contents"));
        let below = [load(0x3fff_fffc, &[9; 8])];
        assert!(error_of(&elf_file(243, 0x4000_0000, &below)).contains("lies outside"));
        let overlap = [load(0x4000_0000, &[9; 8]), load(0x4000_0004, &[9; 8])];
        assert!(error_of(&elf_file(243, 0x4000_0000, &overlap)).contains("overlap"));
        let mut truncated = elf_file(243, 0x4000_0000, &good);
        truncated.pop();
        assert!(error_of(&truncated).contains("beyond the end of the file"));
    }

    #[test]
    fn words_are_little_endian() {
        assert_eq!(
            hexadecimal_words(&[0x13, 0, 0, 0, 0x6f, 0xf0, 0x1f, 0xff]),
            "00000013\nff1ff06f\n"
        );
    }
}
