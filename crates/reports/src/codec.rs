//! How the text of a report is packed: plain, or as frames that can be joined. A file of several zstd frames or gzip
//! members is one file whose content is that of its parts, so finished frames are copied and never unpacked.

use std::fmt;
use std::io::{Read, Write};
use std::path::Path;
use std::str::FromStr;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Level of zstd: the library's own default.
const ZSTD_LEVEL: i32 = 3;

/// The form of a report's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Codec {
    /// Text as it is.
    #[default]
    Plain,
    /// Frames of zstd.
    Zstd,
    /// Members of gzip.
    Gzip,
}

/// A text that names no form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a form of reports; expected csv, csv.gz or csv.zst")]
pub struct UnknownCodec {
    text: String,
}

impl Codec {
    /// Extension of a file of this form.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Plain => "csv",
            Self::Zstd => "csv.zst",
            Self::Gzip => "csv.gz",
        }
    }

    /// The form that the name of a file promises; `None` if it promises none.
    pub fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Plain),
            "zst" => Some(Self::Zstd),
            "gz" => Some(Self::Gzip),
            _ => None,
        }
    }

    /// Appends a text as a frame of its own; equal texts make equal frames.
    pub(crate) fn pack(self, text: &[u8], out: &mut Vec<u8>) -> std::io::Result<()> {
        match self {
            Self::Plain => out.extend_from_slice(text),
            Self::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(out, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                encoder.set_pledged_src_size(Some(text.len() as u64))?;
                encoder.write_all(text)?;
                encoder.finish()?;
            }
            Self::Gzip => {
                let mut encoder = GzEncoder::new(out, Compression::fast());
                encoder.write_all(text)?;
                encoder.finish()?;
            }
        }
        Ok(())
    }

    /// Appends the text of a frame, which must have `length` bytes and, where the form has one, the right checksum.
    pub(crate) fn unpack(self, frame: &[u8], length: usize, out: &mut Vec<u8>) -> std::io::Result<()> {
        let start = out.len();
        out.resize(start + length, 0);
        self.unpack_to(frame, &mut out[start..])
    }

    /// The same into memory of the right length.
    pub(crate) fn unpack_to(self, frame: &[u8], text: &mut [u8]) -> std::io::Result<()> {
        let wrong = || std::io::Error::new(std::io::ErrorKind::InvalidData, "a frame is not what its index says");
        match self {
            Self::Plain if frame.len() == text.len() => text.copy_from_slice(frame),
            Self::Plain => return Err(wrong()),
            Self::Zstd => {
                if zstd::bulk::decompress_to_buffer(frame, text)? != text.len() {
                    return Err(wrong());
                }
            }
            Self::Gzip => {
                let mut decoder = flate2::bufread::GzDecoder::new(frame);
                decoder.read_exact(text)?;
                // Reading on finds the end, where the checksum is.
                if decoder.read(&mut [0])? != 0 {
                    return Err(wrong());
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension())
    }
}

impl FromStr for Codec {
    type Err = UnknownCodec;

    fn from_str(text: &str) -> Result<Self, UnknownCodec> {
        let all = [Self::Plain, Self::Zstd, Self::Gzip];
        let found = all.into_iter().find(|codec| codec.extension().eq_ignore_ascii_case(text));
        found.ok_or_else(|| UnknownCodec { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_joined_and_taken_apart() {
        let texts: [&[u8]; 3] = [b"a,b\n1,2\n", b"", b"3,\"x\ny\"\n"];
        for codec in [Codec::Plain, Codec::Zstd, Codec::Gzip] {
            let mut joined = Vec::new();
            for text in texts {
                let start = joined.len();
                codec.pack(text, &mut joined).unwrap();
                let mut own = Vec::new();
                codec.unpack(&joined[start..], text.len(), &mut own).unwrap();
                assert_eq!(own, text, "{codec}");
                assert!(codec.unpack(&joined[start..], text.len() + 1, &mut Vec::new()).is_err());
            }
            let mut all = Vec::new();
            match codec {
                Codec::Plain => all.clone_from(&joined),
                Codec::Zstd => all = zstd::stream::decode_all(&joined[..]).unwrap(),
                Codec::Gzip => _ = flate2::read::MultiGzDecoder::new(&joined[..]).read_to_end(&mut all).unwrap(),
            }
            assert_eq!(all, texts.concat(), "{codec}");
            assert_eq!(codec.to_string().parse(), Ok(codec));
        }
        assert!("zip".parse::<Codec>().is_err());
    }

    #[test]
    fn names_of_files_promise_a_form() {
        let of = |name: &str| Codec::of_file(Path::new(name));
        assert_eq!(
            [of("a.csv"), of("a.CSV.GZ"), of("b/a.csv.zst")],
            [Codec::Plain, Codec::Gzip, Codec::Zstd].map(Some)
        );
        assert_eq!([of("-"), of("/dev/null"), of("a.txt"), of(".gz")], [None; 4]);
    }

    #[test]
    fn damaged_frames_are_refused() {
        let text = b"some text that is long enough to be packed, packed, packed, packed".repeat(20);
        for codec in [Codec::Zstd, Codec::Gzip] {
            let mut frame = Vec::new();
            codec.pack(&text, &mut frame).unwrap();
            for index in 10..frame.len() {
                let mut damaged = frame.clone();
                damaged[index] ^= 0x10;
                let mut out = Vec::new();
                let read = codec.unpack(&damaged, text.len(), &mut out);
                assert!(read.is_err() || out == text, "{codec} {index}");
            }
            assert!(codec.unpack(&frame[..frame.len() - 1], text.len(), &mut Vec::new()).is_err());
        }
    }
}
