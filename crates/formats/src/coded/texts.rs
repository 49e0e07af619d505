//! Distinct byte strings, numbered in the order in which they were first seen.

use ahash::RandomState;
use hashbrown::HashTable;

/// Distinct texts and their numbers.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    keys: RandomState,
    codes: HashTable<u32>,
    hashes: Vec<u64>,
    /// The texts, one behind the other. A chunk never grows beyond its capacity, so that nothing is copied again.
    chunks: Vec<Vec<u8>>,
    places: Vec<Place>,
}

/// Where a text is.
#[derive(Debug, Clone, Copy)]
struct Place {
    chunk: u32,
    start: u32,
    length: u32,
}

/// Bytes of the first chunk, and of the greatest one that holds more than one text.
const CHUNK_BYTES_MIN: usize = 1 << 10;
const CHUNK_BYTES_MAX: usize = 1 << 20;

impl Texts {
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The text with this number, which was given out before.
    pub(crate) fn get(&self, code: u32) -> &[u8] {
        let place = self.places[code as usize];
        &self.chunks[place.chunk as usize][place.start as usize..(place.start + place.length) as usize]
    }

    pub(crate) fn hash(&self, text: &[u8]) -> u64 {
        self.keys.hash_one(text)
    }

    /// The number of a text with this hash, if it was seen before.
    pub(crate) fn find(&self, hash: u64, text: &[u8]) -> Option<u32> {
        self.codes.find(hash, |code| self.get(*code) == text).copied()
    }

    /// Takes a text that is not there yet. `None`: there are as many as numbers can tell apart.
    pub(crate) fn add(&mut self, hash: u64, text: &[u8]) -> Option<u32> {
        let code = u32::try_from(self.places.len()).ok()?;
        let place = self.put(text)?;
        self.places.push(place);
        self.hashes.push(hash);
        let hashes = &self.hashes;
        self.codes.insert_unique(hash, code, |code| hashes[*code as usize]);
        Some(code)
    }

    /// The number of a text, and whether it is new.
    pub(crate) fn intern(&mut self, text: &[u8]) -> Option<(u32, bool)> {
        let hash = self.hash(text);
        match self.find(hash, text) {
            Some(code) => Some((code, false)),
            None => self.add(hash, text).map(|code| (code, true)),
        }
    }

    fn put(&mut self, text: &[u8]) -> Option<Place> {
        let fits = |chunk: &Vec<u8>| chunk.capacity() - chunk.len() >= text.len();
        if !self.chunks.last().is_some_and(fits) {
            let doubled = self.chunks.last().map_or(0, |last| 2 * last.capacity());
            let bytes = doubled.clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX).max(text.len());
            self.chunks.push(Vec::with_capacity(bytes));
        }
        let chunk = self.chunks.len() - 1;
        let start = self.chunks[chunk].len();
        self.chunks[chunk].extend_from_slice(text);
        Some(Place {
            chunk: u32::try_from(chunk).ok()?,
            start: u32::try_from(start).ok()?,
            length: u32::try_from(text.len()).ok()?,
        })
    }

    /// Bytes of memory that it holds.
    pub(crate) fn memory(&self) -> usize {
        let texts: usize = self.chunks.iter().map(Vec::capacity).sum();
        texts + 12 * self.places.capacity() + 8 * self.hashes.capacity() + 5 * self.codes.capacity()
    }
}
