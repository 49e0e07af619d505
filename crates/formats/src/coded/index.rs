//! Where the cells of a block end: commas and line ends outside of quotes, 64 bytes at a time.
//!
//! This takes every quote for one that opens or closes a cell. Whether it does is checked where a span is first seen.

use wide::u8x16;

/// Bytes that are looked at together.
const CHUNK: usize = 64;
/// Positions that are written without asking how many there are; more in a chunk take a loop.
const EAGER: usize = 8;

/// Ends of cells and records in a block.
#[derive(Debug, Default)]
pub(crate) struct CellEnds {
    positions: Vec<u32>,
    count: usize,
    /// For each record the number of cell ends up to its line end.
    records: Vec<u32>,
    /// Line ends, those inside of quotes included.
    pub(crate) lines: u64,
}

/// Bits of a chunk: bit `n` is byte `n`.
struct Bits {
    quotes: u64,
    commas: u64,
    line_ends: u64,
}

impl CellEnds {
    /// Positions of all commas and line ends outside of quotes.
    pub(crate) fn positions(&self) -> &[u32] {
        &self.positions[..self.count]
    }

    /// For each record the number of [`Self::positions`] up to its line end.
    pub(crate) fn records(&self) -> &[u32] {
        &self.records
    }

    /// Finds the ends in a text that begins with a record. The end of the text ends a record if `last`. False: a quoted
    /// cell is open at the end, or the text ends inside of a record.
    pub(crate) fn find(&mut self, text: &[u8], last: bool) -> bool {
        self.count = 0;
        self.lines = 0;
        self.records.clear();
        let Ok(length) = u32::try_from(text.len()) else { return false };
        let mut open = 0;
        let (chunks, rest) = text.as_chunks::<CHUNK>();
        let mut base = 0;
        for chunk in chunks {
            self.take(&bits_of(chunk), base, &mut open);
            base += CHUNK as u32;
        }
        let mut padded = [0; CHUNK];
        padded[..rest.len()].copy_from_slice(rest);
        self.take(&bits_of(&padded), base, &mut open);
        if open != 0 {
            return false;
        }
        let closed = self.records.last().is_none_or(|ends| *ends as usize == self.count);
        let complete = closed && (text.is_empty() || text.last() == Some(&b'\n'));
        if !complete && last {
            self.reserve();
            self.positions[self.count] = length;
            self.count += 1;
            self.records.push(self.count as u32);
        }
        complete || last
    }

    fn reserve(&mut self) {
        if self.positions.len() < self.count + CHUNK + EAGER {
            self.positions.resize(2 * self.count + 4096, 0);
        }
    }

    /// `open` is all ones inside of quotes, else 0.
    fn take(&mut self, bits: &Bits, base: u32, open: &mut u64) {
        let inside = prefix_xor(bits.quotes) ^ *open;
        *open = (inside.cast_signed() >> 63).cast_unsigned();
        self.lines += u64::from(bits.line_ends.count_ones());
        let mut ends = (bits.commas | bits.line_ends) & !inside;
        let mut line_ends = bits.line_ends & !inside;
        let before = self.count as u32;
        while line_ends != 0 {
            let up_to = line_ends ^ (line_ends - 1);
            self.records.push(before + (ends & up_to).count_ones());
            line_ends &= line_ends - 1;
        }
        self.reserve();
        let count = ends.count_ones() as usize;
        let out = &mut self.positions[self.count..self.count + CHUNK + EAGER];
        for slot in &mut out[..EAGER] {
            *slot = base + ends.trailing_zeros();
            ends &= ends.wrapping_sub(1);
        }
        let mut next = EAGER;
        while ends != 0 {
            out[next] = base + ends.trailing_zeros();
            ends &= ends - 1;
            next += 1;
        }
        self.count += count;
    }
}

/// Bit `n` of the result says whether an odd number of the bits up to `n` are set.
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

fn bits_of(chunk: &[u8; CHUNK]) -> Bits {
    let (lanes, _) = chunk.as_chunks::<16>();
    let equal = |byte: u8| {
        lanes.iter().rev().fold(0, |bits: u64, lane| {
            let found = u8x16::new(*lane).simd_eq(u8x16::splat(byte));
            (bits << 16) | u64::from(found.to_bitmask())
        })
    };
    Bits { quotes: equal(b'"'), commas: equal(b','), line_ends: equal(b'\n') }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ends_are_found_as_byte_by_byte(text in "[a\",\n]{0,200}", last: bool) {
            let text = text.as_bytes();
            let (mut open, mut ends, mut records) = (false, Vec::new(), Vec::new());
            for (index, byte) in text.iter().enumerate() {
                match byte {
                    b'"' => open = !open,
                    b',' | b'\n' if !open => ends.push(index as u32),
                    _ => {}
                }
                if *byte == b'\n' && !open {
                    records.push(ends.len() as u32);
                }
            }
            let complete = text.is_empty() || text.last() == Some(&b'\n');
            if !open && !complete && last {
                ends.push(text.len() as u32);
                records.push(ends.len() as u32);
            }
            let mut found = CellEnds::default();
            prop_assert_eq!(found.find(text, last), !open && (complete || last));
            if !open {
                prop_assert_eq!(found.positions(), &ends[..]);
                prop_assert_eq!(found.records(), &records[..]);
                prop_assert_eq!(found.lines, text.iter().filter(|byte| **byte == b'\n').count() as u64);
            }
        }
    }
}
