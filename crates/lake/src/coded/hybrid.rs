//! The RLE and bit-packing hybrid of Parquet: levels and dictionary codes.

/// Values of a bit-packed group.
const GROUP: usize = 8;
/// Most groups of a bit-packed run, so that its header is one byte.
const GROUPS_MAX: usize = 63;

/// Encodes small numbers of a fixed width, run by run.
pub(crate) struct Hybrid {
    width: u8,
    out: Vec<u8>,
    /// Values that wait for a bit-packed run: whole groups, but for the last few.
    packed: Vec<u32>,
}

impl Hybrid {
    /// Numbers of `width` bits, at most 32.
    pub(crate) fn new(width: u8) -> Self {
        Self { width, out: Vec::new(), packed: Vec::new() }
    }

    /// Appends a value, `count` times.
    pub(crate) fn push(&mut self, value: u32, mut count: usize) {
        // A repeated run begins where a group of the values before it is full.
        let filling = (GROUP - self.packed.len() % GROUP) % GROUP;
        if count >= filling + GROUP {
            self.packed.extend(std::iter::repeat_n(value, filling));
            count -= filling;
            self.flush_packed();
            self.repeated(value, count);
            return;
        }
        for _ in 0..count {
            self.packed.push(value);
            if self.packed.len() == GROUP * GROUPS_MAX {
                self.flush_packed();
            }
        }
    }

    /// The encoded values. The last group is padded with zeros.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.flush_packed();
        self.out
    }

    fn repeated(&mut self, value: u32, count: usize) {
        self.varint((count as u64) << 1);
        let bytes = usize::from(self.width.div_ceil(8));
        self.out.extend_from_slice(&value.to_le_bytes()[..bytes]);
    }

    fn flush_packed(&mut self) {
        if self.packed.is_empty() {
            return;
        }
        let groups = self.packed.len().div_ceil(GROUP);
        self.packed.resize(groups * GROUP, 0);
        self.varint((groups as u64) << 1 | 1);
        let (mut bits, mut held) = (0u64, 0u32);
        for value in &self.packed {
            bits |= u64::from(*value) << held;
            held += u32::from(self.width);
            while held >= 8 {
                self.out.push((bits & 0xFF) as u8);
                bits >>= 8;
                held -= 8;
            }
        }
        self.packed.clear();
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push((value & 0x7F) as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }
}

/// Bits that the numbers below `count` need.
pub(crate) fn width_of(count: usize) -> u8 {
    let greatest = count.saturating_sub(1);
    (usize::BITS - greatest.leading_zeros()) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_hold_the_greatest_code() {
        for (count, width) in [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (256, 8), (257, 9)] {
            assert_eq!(width_of(count), width, "{count}");
        }
    }

    #[test]
    fn runs_and_groups_are_laid_out_as_the_format_says() {
        let mut repeated = Hybrid::new(9);
        repeated.push(300, 100);
        assert_eq!(repeated.finish(), [200, 1, 44, 1]);
        // The example of the format: the numbers 0 to 7 in three bits.
        let mut packed = Hybrid::new(3);
        (0..8).for_each(|value| packed.push(value, 1));
        assert_eq!(packed.finish(), [3, 0b1000_1000, 0b1100_0110, 0b1111_1010]);
        let mut empty = Hybrid::new(0);
        empty.push(0, 20);
        assert_eq!(empty.finish(), [40]);
    }
}
