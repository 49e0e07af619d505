//! Writes one generated month of 1,000,000 rows per entropy to nowhere and tells how fast.
//!
//! `cargo run --release -p lazurite-samples --example throughput [ROWS]`

use std::io::{self, Write};
use std::time::Instant;

use lazurite_samples::generator::{self, Entropy, GeneratorOptions};

/// Counts bytes and drops them.
struct Counter {
    bytes: u64,
}

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => 1_000_000,
    };
    for entropy in [Entropy::Low, Entropy::High] {
        let options = GeneratorOptions { rows, entropy, ..GeneratorOptions::default() };
        let mut counter = Counter { bytes: 0 };
        let start = Instant::now();
        let summary = generator::write(&options, 0, &mut counter)?;
        let microseconds = start.elapsed().as_micros().max(1);
        println!(
            "{entropy:?}: {} rows, {} bytes, {} bytes a row, {} MB/s, total {} {}",
            summary.rows,
            counter.bytes,
            counter.bytes / summary.rows.max(1),
            u128::from(counter.bytes) / microseconds,
            summary.total,
            options.currency,
        );
    }
    Ok(())
}
