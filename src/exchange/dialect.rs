//! How a CSV file is written: in which encoding, with what between its cells, and below which rows its header is.
//!
//! The encoding is determined by the mark that a file begins with, else by what its sender declares, else by its
//! content. What is read otherwise than UTF-8 with commas is reported to the sender.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How many bytes of a file are read to find whether its characters have two bytes each.
const LOOKED_AT: u64 = 4 << 10;
/// How much of a file is looked at at a time.
const PIECE: usize = 64 << 10;

/// What may be between cells, likeliest first.
pub(super) const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// How a CSV file is written.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    /// In which encoding.
    pub encoding: &'static Encoding,
    /// What is between its cells.
    pub separator: u8,
    /// The row of its header; the first that holds anything, if that is not known.
    pub header: Option<u64>,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { encoding: UTF_8, separator: b',', header: None }
    }
}

impl Dialect {
    /// What separates its cells, in words.
    pub(super) fn separator_words(&self) -> &'static str {
        match self.separator {
            b';' => "semicolon",
            b'\t' => "tab",
            _ => "comma",
        }
    }
}

/// The encoding that a `charset` names, if a file may be sent in it: UTF-8, UTF-16, or one with one byte per character.
pub fn encoding_named(charset: &str) -> Option<&'static Encoding> {
    let encoding = Encoding::for_label_no_replacement(charset.trim().as_bytes())?;
    (encoding.is_single_byte() || [UTF_8, UTF_16LE, UTF_16BE].contains(&encoding)).then_some(encoding)
}

/// The encoding of a file.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn encoding_of(mut file: &File, declared: Option<&'static Encoding>) -> io::Result<&'static Encoding> {
    file.rewind()?;
    let mut start = Vec::new();
    file.take(LOOKED_AT).read_to_end(&mut start)?;
    if let Some((marked, _length)) = Encoding::for_bom(&start) {
        return Ok(marked);
    }
    let wide = two_bytes_each(&start);
    match declared {
        // `utf-16` says nothing of which byte comes first.
        Some(declared) if declared == UTF_16LE || declared == UTF_16BE => Ok(wide.unwrap_or(declared)),
        Some(declared) => Ok(declared),
        None => wide.map_or_else(|| by_content(file), Ok),
    }
}

/// UTF-16 without its mark: every other byte of most characters of a table is zero.
fn two_bytes_each(start: &[u8]) -> Option<&'static Encoding> {
    let noughts = |from: usize| start.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (first, second, characters) = (noughts(0), noughts(1), start.len() / 2);
    // Of some characters beyond Latin the other byte is zero.
    let mostly = |these: usize, others: usize| these * 2 > characters && others * 8 < these;
    if mostly(second, first) {
        Some(UTF_16LE)
    } else if mostly(first, second) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// UTF-8, or windows-1252 if the file is no UTF-8 anywhere beyond ASCII and every byte is a character there. A file
/// with both in it is read as UTF-8, and its other rows are refused: what they mean is unknown.
fn by_content(mut file: &File) -> io::Result<&'static Encoding> {
    file.rewind()?;
    let mut content = Content::default();
    let (mut piece, mut waiting) = (vec![0; PIECE], 0);
    loop {
        let count = file.read(piece.get_mut(waiting..).unwrap_or_default())?;
        let bytes = piece.get(..waiting + count).unwrap_or_default();
        let left = content.take_in(bytes);
        if count == 0 {
            content.is_other |= left > 0;
            break;
        }
        if content.is_utf_8 && content.is_other {
            break;
        }
        let from = bytes.len() - left;
        piece.copy_within(from..from + left, 0);
        waiting = left;
    }
    let is_windows = content.is_other && !content.is_utf_8 && !content.is_no_windows;
    Ok(if is_windows { WINDOWS_1252 } else { UTF_8 })
}

/// What was found in a file so far.
#[derive(Default)]
struct Content {
    /// Characters beyond ASCII in UTF-8.
    is_utf_8: bool,
    /// Bytes that are none in UTF-8.
    is_other: bool,
    /// Bytes that are none in windows-1252 either.
    is_no_windows: bool,
}

impl Content {
    /// Takes in some bytes, and says how many of the last ones cannot be judged before the next.
    fn take_in(&mut self, mut bytes: &[u8]) -> usize {
        loop {
            let error = match std::str::from_utf8(bytes) {
                Ok(text) => {
                    self.is_utf_8 |= !text.is_ascii();
                    return 0;
                }
                Err(error) => error,
            };
            let (text, rest) = bytes.split_at_checked(error.valid_up_to()).unwrap_or_default();
            self.is_utf_8 |= !text.is_ascii();
            let Some(length) = error.error_len() else { return rest.len() };
            let (wrong, rest) = rest.split_at_checked(length).unwrap_or_default();
            self.is_other = true;
            self.is_no_windows |= wrong.iter().any(|byte| matches!(byte, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D));
            bytes = rest;
        }
    }
}

/// The text of a file in UTF-8. What is no text in its encoding becomes a byte that is none in UTF-8 either, so that it
/// is reported where it is.
pub(super) struct Decoded<R> {
    input: R,
    /// None of a file that is UTF-8 as it is.
    decoder: Option<Decoder>,
    ended: bool,
}

impl<R> Decoded<R> {
    pub(super) fn new(input: R, encoding: &'static Encoding) -> Self {
        let decoder = (encoding != UTF_8).then(|| encoding.new_decoder_with_bom_removal());
        Self { input, decoder, ended: false }
    }
}

impl<R: BufRead> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(decoder) = &mut self.decoder else { return self.input.read(buffer) };
        // One byte stays free for one that is no text.
        let room = buffer.len().saturating_sub(1);
        while !self.ended {
            let bytes = self.input.fill_buf()?;
            let is_last = bytes.is_empty();
            let out = buffer.get_mut(..room).unwrap_or_default();
            let (result, read, mut written) = decoder.decode_to_utf8_without_replacement(bytes, out, is_last);
            self.input.consume(read);
            if let DecoderResult::Malformed(..) = result {
                buffer.iter_mut().skip(written).take(1).for_each(|byte| *byte = 0xFF);
                written += 1;
            }
            self.ended = is_last && result == DecoderResult::InputEmpty;
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn found(bytes: &[u8], declared: Option<&str>) -> &'static str {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        encoding_of(&file, declared.and_then(encoding_named)).unwrap().name()
    }

    fn wide(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn an_encoding_goes_by_mark_then_word_then_content() {
        let table = "kpi,commentary\nNI-117,Fünf";
        let (little, big) = (wide(table, u16::to_le_bytes), wide(table, u16::to_be_bytes));
        for (bytes, declared, wanted) in [
            (table.as_bytes(), None, "UTF-8"),
            (b"kpi,commentary\nNI-117,F\xFCnf \x80 5", None, "windows-1252"),
            (b"kpi,commentary\nNI-117,F\xFCnf", Some("utf-8"), "UTF-8"),
            (b"kpi,commentary\nNI-117,F\xFCnf", Some("ISO-8859-15"), "ISO-8859-15"),
            (b"\xEF\xBB\xBFkpi", Some("windows-1252"), "UTF-8"),
            (little.as_slice(), None, "UTF-16LE"),
            (big.as_slice(), None, "UTF-16BE"),
            (big.as_slice(), Some("utf-16"), "UTF-16BE"),
            (&[b"\xFF\xFE".as_slice(), &little].concat(), None, "UTF-16LE"),
            // Both in one file, or a byte that is no character: not guessed at.
            ("Fünf".as_bytes().iter().copied().chain([b',', 0xFC]).collect::<Vec<_>>().as_slice(), None, "UTF-8"),
            (b"kpi\n\x81\x8D", None, "UTF-8"),
            (b"", None, "UTF-8"),
        ] {
            assert_eq!(found(bytes, declared), wanted, "{bytes:?}");
        }
        // A character that lies across two pieces is one all the same.
        let long = "a".repeat(PIECE - 1) + "é" + &"b".repeat(PIECE);
        assert_eq!(found(long.as_bytes(), None), "UTF-8");
        let late = [vec![b'a'; 3 * PIECE], vec![0xE9]].concat();
        assert_eq!(found(&late, None), "windows-1252");
        for unknown in ["utf-7", "iso-2022-jp", "big5", "klingon", ""] {
            assert!(encoding_named(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn text_comes_out_as_utf_8() {
        let out = |bytes: &[u8], charset: &str| {
            let mut text = Vec::new();
            Decoded::new(bytes, encoding_named(charset).unwrap()).read_to_end(&mut text).unwrap();
            text
        };
        assert_eq!(out(b"\xA35 \x93so\x94", "windows-1252"), "£5 “so”".as_bytes());
        let marked = [b"\xFE\xFF".to_vec(), wide("kpi 😀", u16::to_be_bytes)].concat();
        assert_eq!(out(&marked, "utf-16be"), "kpi 😀".as_bytes());
        assert_eq!(out(b"a\0\0\xD8b\0", "utf-16le"), b"a\xFFb");
        assert_eq!(out(b"a\0b", "utf-16le"), b"a\xFF");
    }
}
