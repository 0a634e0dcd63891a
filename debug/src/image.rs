//! The firmware's ELF file.

use object::{Object, ObjectSegment, ObjectSymbol};
use probe_rs::{Core, MemoryInterface};
use std::path::PathBuf;

/// Where `cargo xtask firmware` leaves the file.
pub fn elf_path() -> PathBuf {
    build_support::generated().join("firmware.elf")
}

/// The firmware's ELF file, read.
#[derive(Clone, Debug)]
pub struct Image {
    bytes: Vec<u8>,
}

/// What is wrong with an ELF file, or with its way into the processor.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// It cannot be read.
    #[error("cannot read {}: {error}; `cargo xtask firmware` builds it", path.display())]
    Unreadable {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// It is no ELF file.
    #[error("the firmware's ELF file: {0}")]
    Malformed(#[from] object::Error),
    /// It has no such symbol.
    #[error("the firmware's ELF file has no symbol {0}")]
    NoSymbol(String),
    /// The processor's memory holds something else than what was written.
    #[error("the byte at {address:#x} is {found:#04x} after {written:#04x} was written")]
    Differs {
        /// Where.
        address: u64,
        /// What is there.
        found: u8,
        /// What should be there.
        written: u8,
    },
    /// The debug module.
    #[error(transparent)]
    Probe(#[from] probe_rs::Error),
}

impl Image {
    /// The image that `cargo xtask firmware` left.
    ///
    /// # Errors
    /// It cannot be read, or is no ELF file.
    pub fn open() -> Result<Self, ImageError> {
        let path = elf_path();
        let bytes = std::fs::read(&path).map_err(|error| ImageError::Unreadable { path, error })?;
        object::File::parse(&*bytes)?;
        Ok(Image { bytes })
    }

    /// The file itself.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the image starts.
    ///
    /// # Errors
    /// The file is malformed.
    pub fn entry(&self) -> Result<u64, ImageError> {
        Ok(object::File::parse(&*self.bytes)?.entry())
    }

    /// Address and size of the first symbol whose name contains this, mangled as it is.
    ///
    /// # Errors
    /// There is none.
    pub fn symbol(&self, part: &str) -> Result<(u64, u64), ImageError> {
        let file = object::File::parse(&*self.bytes)?;
        let named = |symbol: &object::Symbol<'_, '_>| {
            symbol.is_definition() && symbol.name().is_ok_and(|name| name.contains(part))
        };
        let found = file.symbols().find(|symbol| symbol.name() == Ok(part));
        let symbol = found
            .or_else(|| file.symbols().find(named))
            .ok_or_else(|| ImageError::NoSymbol(part.to_owned()))?;
        Ok((symbol.address(), symbol.size()))
    }

    /// What the file puts where in the processor's RAM.
    ///
    /// # Errors
    /// The file is malformed.
    pub fn segments(&self) -> Result<Vec<(u64, Vec<u8>)>, ImageError> {
        let file = object::File::parse(&*self.bytes)?;
        let mut all = Vec::new();
        for segment in file.segments() {
            let data = segment.data()?;
            if !data.is_empty() {
                all.push((segment.address(), data.to_vec()));
            }
        }
        Ok(all)
    }

    /// Writes the image into a halted processor's RAM through its debug module, and reads it back.
    ///
    /// # Errors
    /// The debug module fails, or the RAM does not hold what was written.
    pub fn load(&self, core: &mut Core<'_>) -> Result<usize, ImageError> {
        let mut total = 0;
        for (address, data) in self.segments()? {
            core.write(address, &data)?;
            let mut back = vec![0; data.len()];
            core.read(address, &mut back)?;
            if let Some(place) = (0..data.len()).find(|&place| data[place] != back[place]) {
                return Err(ImageError::Differs {
                    address: address + place as u64,
                    found: back[place],
                    written: data[place],
                });
            }
            total += data.len();
        }
        Ok(total)
    }
}
