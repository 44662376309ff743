//! How an object is cut into parts.

use std::ops::Range;

use crate::error::{Error, invalid};
use crate::wire::multipart::PartNumber;

/// One mebibyte, in bytes.
const MIB: u64 = 1024 * 1024;
/// The shortest part, but for the last.
pub const MIN_PART_SIZE: u64 = MIB;
/// The longest part.
pub const MAX_PART_SIZE: u64 = 5 * 1024 * MIB;
/// The longest object: 50 000 GB.
pub const MAX_OBJECT_SIZE: u64 = 50_000 * 1024 * MIB;

/// An object in parts: all of one size, but for the last, which may be shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartPlan {
    len: u64,
    part_size: u64,
}

impl PartPlan {
    /// Cuts `len` bytes into parts of `part_size`, or of as much more as it takes to need no more than 10 000. The
    /// size stays a multiple of `alignment`.
    ///
    /// # Errors
    /// When a part of `part_size` is shorter than 1 MiB, longer than 5 GiB or not aligned, or the object is longer
    /// than the service allows.
    pub fn new(len: u64, part_size: u64, alignment: u64) -> Result<Self, Error> {
        if !(MIN_PART_SIZE..=MAX_PART_SIZE).contains(&part_size) {
            return Err(invalid(format!(
                "a part has 1 MiB to 5 GiB, not {part_size} bytes"
            )));
        }
        if len > MAX_OBJECT_SIZE {
            return Err(invalid(format!(
                "an object of {len} bytes is longer than the service allows"
            )));
        }
        let alignment = alignment.max(1);
        if !part_size.is_multiple_of(alignment) {
            let next = part_size.next_multiple_of(alignment);
            return Err(invalid(format!(
                "a part of {part_size} bytes is not a multiple of {alignment}; the next possible size is {next}"
            )));
        }
        let needed = len.div_ceil(u64::from(PartNumber::MAX));
        Ok(Self {
            len,
            part_size: part_size.max(needed.next_multiple_of(alignment)),
        })
    }

    /// Length of the object, in bytes.
    #[must_use]
    pub fn len(self) -> u64 {
        self.len
    }

    /// True for an object of no bytes, which is one empty part.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Length of every part but the last, in bytes.
    #[must_use]
    pub fn part_size(self) -> u64 {
        self.part_size
    }

    /// How many parts there are: 1 to 10 000.
    #[must_use]
    pub fn count(self) -> u32 {
        // `new` has made the parts large enough.
        u32::try_from(self.len.div_ceil(self.part_size))
            .unwrap_or(u32::MAX)
            .max(1)
    }

    /// The bytes of the part at `index`, from 0.
    #[must_use]
    pub fn range(self, index: u32) -> Range<u64> {
        let start = self.part_size.saturating_mul(index.into()).min(self.len);
        start..start.saturating_add(self.part_size).min(self.len)
    }

    /// All parts, in order: index from 0, and bytes.
    pub fn parts(self) -> impl Iterator<Item = (u32, Range<u64>)> {
        (0..self.count()).map(move |index| (index, self.range(index)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_cover_the_object_exactly(len in 0..=MAX_OBJECT_SIZE, mib in 1..=64u64, alignment in prop::sample::select(vec![1, 16, 16_384])) {
            let plan = PartPlan::new(len, mib * MIB, alignment).unwrap();
            prop_assert!((1..=10_000).contains(&plan.count()));
            prop_assert!(plan.part_size().is_multiple_of(alignment) && plan.part_size() <= MAX_PART_SIZE);
            let mut end = 0;
            for (index, range) in plan.parts() {
                prop_assert_eq!(range.start, end);
                let is_last = index + 1 == plan.count();
                prop_assert!(is_last || range.end - range.start == plan.part_size());
                end = range.end;
            }
            prop_assert_eq!(end, len);
        }
    }

    #[test]
    fn impossible_sizes_name_the_rule() {
        for (part_size, rule) in [
            (MIB - 1, "1 MiB"),
            (MAX_PART_SIZE + 1, "5 GiB"),
            (MIB + 8, "1048592"),
        ] {
            let error = PartPlan::new(1, part_size, 16).unwrap_err().to_string();
            assert!(error.contains(rule), "{error}");
        }
        assert!(PartPlan::new(MAX_OBJECT_SIZE + 1, MIB, 1).is_err());
    }

    #[test]
    fn parts_grow_to_fit() {
        assert_eq!(PartPlan::new(10_000 * MIB, MIB, 1).unwrap().part_size(), MIB);
        assert_eq!(
            PartPlan::new(10_000 * MIB + 1, MIB, 16).unwrap().part_size(),
            MIB + 16
        );
        assert_eq!(
            PartPlan::new(0, MIB, 1).unwrap().parts().collect::<Vec<_>>(),
            [(0, 0..0)]
        );
    }
}
