//! Reads ASF files, the container of WMA sound: what they hold and how long it lasts. Nothing is decoded.
//!
//! Source: Advanced Systems Format (ASF) Specification, revision 01.20.05, Microsoft.

use std::io::{Read, Seek, SeekFrom};

use crate::probe::{MediaInfo, MediaKind, ProbeError, damaged};

/// How every ASF file begins: the identifier of its header.
pub(crate) const HEADER: [u8; 16] = *b"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C";
const DATA: [u8; 16] = *b"\x36\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C";
const FILE_PROPERTIES: [u8; 16] = *b"\xA1\xDC\xAB\x8C\x47\xA9\xCF\x11\x8E\xE4\x00\xC0\x0C\x20\x53\x65";
const STREAM_PROPERTIES: [u8; 16] = *b"\x91\x07\xDC\xB7\xB7\xA9\xCF\x11\x8E\xE6\x00\xC0\x0C\x20\x53\x65";
const SOUND: [u8; 16] = *b"\x40\x9E\x69\xF8\x4D\x5B\xCF\x11\xA8\xFD\x00\x80\x5F\x5C\x44\x2B";

/// The most bytes of a header.
const HEADER_BYTES_MAX: u64 = 1 << 20;
/// The least bytes of a packet: what claims to be cut into smaller ones would take long to walk.
const PACKET_BYTES_MIN: u32 = 128;
/// The most bytes before a packet's times, and the times.
const PACKET_HEAD_BYTES: usize = 36;
/// Ticks of a stated length in a millisecond.
const TICKS_PER_MS: u64 = 10_000;

/// What the header says.
#[derive(Default)]
struct Header {
    play_ms: u64,
    preroll_ms: u64,
    packet_bytes: u32,
    streams: usize,
    sounds: usize,
}

/// What a file holds and how long it lasts: as it states it, or as its packets say, whichever is more.
///
/// # Errors
/// [`ProbeError::Unknown`] for what is not sound alone, [`ProbeError::Damaged`].
pub(crate) fn measured(source: &mut (impl Read + Seek), size: u64) -> Result<MediaInfo, ProbeError> {
    let kind = MediaKind::Wma;
    let broken = |error: std::io::Error| damaged(kind, error);
    let mut head = [0; 30];
    source.seek(SeekFrom::Start(0)).and_then(|_| source.read_exact(&mut head)).map_err(broken)?;
    let length = word(&head, 16).filter(|length| (30..=HEADER_BYTES_MAX.min(size)).contains(length));
    let length = length.ok_or_else(|| damaged(kind, "its header has no sensible length"))?;
    let mut objects = Vec::new();
    source.take(length - 30).read_to_end(&mut objects).map_err(broken)?;
    let header = read_header(&objects);
    if header.streams == 0 || header.sounds != header.streams {
        return Err(ProbeError::Unknown);
    }
    let stated = header.play_ms.saturating_sub(header.preroll_ms);
    let counted = counted(source, &header, length, size).map_err(broken)?;
    let duration_ms = Some(stated.max(counted)).filter(|ms| *ms > 0);
    Ok(MediaInfo { kind, width: None, height: None, duration_ms })
}

fn read_header(mut objects: &[u8]) -> Header {
    let mut header = Header::default();
    while let (Some(id), Some(length)) = (objects.get(..16), word(objects, 16)) {
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(objects.len());
        if length < 24 {
            break;
        }
        let object = &objects[..length];
        if id == FILE_PROPERTIES {
            header.play_ms = word(object, 64).unwrap_or(0) / TICKS_PER_MS;
            header.preroll_ms = word(object, 80).unwrap_or(0);
            let packet = object.get(92..96).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            header.packet_bytes = packet.unwrap_or(0);
        } else if id == STREAM_PROPERTIES {
            header.streams += 1;
            header.sounds += usize::from(object.get(24..40) == Some(&SOUND));
        }
        objects = &objects[length..];
    }
    header
}

/// The end of the packet that is sent last, in milliseconds.
fn counted(source: &mut (impl Read + Seek), header: &Header, from: u64, size: u64) -> std::io::Result<u64> {
    let (mut at, mut last) = (from, 0);
    if header.packet_bytes < PACKET_BYTES_MIN {
        return Ok(0);
    }
    while at + 50 <= size {
        let mut head = [0; 24];
        source.seek(SeekFrom::Start(at))?;
        source.read_exact(&mut head)?;
        let length = word(&head, 16).unwrap_or(0).clamp(24, size - at);
        if head[..16] == DATA {
            let (mut packet, end) = (at + 50, at + length);
            while packet + u64::from(header.packet_bytes) <= end {
                let mut times = [0; PACKET_HEAD_BYTES];
                source.seek(SeekFrom::Start(packet))?;
                source.read_exact(&mut times)?;
                last = last.max(end_of_packet(&times).unwrap_or(0));
                packet += u64::from(header.packet_bytes);
            }
            break;
        }
        at += length;
    }
    Ok(last)
}

/// When what a packet holds ends, by its own times.
fn end_of_packet(packet: &[u8]) -> Option<u64> {
    let corrected = packet.first()?;
    let flags = if corrected & 0x80 == 0 { 0 } else { 1 + usize::from(corrected & 0x0F) };
    let lengths = packet.get(flags)?;
    // How many bytes a length takes, by its two bits.
    let bytes = |shift: u8| [0, 1, 2, 4][usize::from(lengths >> shift & 3)];
    let at = flags + 2 + bytes(5) + bytes(1) + bytes(3);
    let times = packet.get(at..at + 6)?;
    let sent = u32::from_le_bytes([times[0], times[1], times[2], times[3]]);
    Some(u64::from(sent) + u64::from(u16::from_le_bytes([times[4], times[5]])))
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + 8)?;
    bytes.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::{measure, probe};

    const VIDEO: [u8; 16] = *b"\xC0\xEF\x19\xBC\x4D\x5B\xCF\x11\xA8\xFD\x00\x80\x5F\x5C\x44\x2B";
    const PACKET_BYTES: u32 = 200;

    fn object(id: [u8; 16], body: &[u8]) -> Vec<u8> {
        [&id[..], &(24 + body.len() as u64).to_le_bytes(), body].concat()
    }

    /// A file that states `stated_ms` and has one packet for each of `sent_ms`, of half a second each.
    fn file(streams: &[[u8; 16]], stated_ms: u64, sent_ms: &[u32]) -> Vec<u8> {
        let mut properties = vec![0; 80];
        properties[40..48].copy_from_slice(&((stated_ms + 3_000) * TICKS_PER_MS).to_le_bytes());
        properties[56..64].copy_from_slice(&3_000_u64.to_le_bytes());
        properties[68..72].copy_from_slice(&PACKET_BYTES.to_le_bytes());
        properties[72..76].copy_from_slice(&PACKET_BYTES.to_le_bytes());
        let mut objects = object(FILE_PROPERTIES, &properties);
        for stream in streams {
            objects.extend(object(STREAM_PROPERTIES, &[&stream[..], &[0; 38]].concat()));
        }
        let counts = [&(1 + streams.len() as u32).to_le_bytes()[..], &[1, 2]].concat();
        let mut data = vec![0; 26];
        for sent in sent_ms {
            // Two bytes of error correction, a padding of one byte.
            let mut packet = vec![0x82, 0, 0, 0x08, 0x5D, 7];
            packet.extend(sent.to_le_bytes());
            packet.extend(500_u16.to_le_bytes());
            packet.resize(PACKET_BYTES as usize, 0);
            data.extend(packet);
        }
        [object(HEADER, &[counts, objects].concat()), object(DATA, &data)].concat()
    }

    #[test]
    fn a_sound_lasts_as_long_as_it_says_or_as_its_packets_do() {
        for (stated, sent, expected) in
            [(2_000, vec![0, 500, 1_000, 1_500], Some(2_000)), (100, vec![0, 59_500], Some(60_000)), (0, vec![], None)]
        {
            let bytes = file(&[SOUND], stated, &sent);
            for info in [probe(&bytes).unwrap(), measure(Cursor::new(&bytes)).unwrap()] {
                assert_eq!((info.kind, info.duration_ms), (MediaKind::Wma, expected), "{stated} {sent:?}");
            }
        }
    }

    #[test]
    fn what_holds_more_than_sound_is_not_known() {
        assert_eq!(probe(&file(&[SOUND, VIDEO], 1_000, &[0])), Err(ProbeError::Unknown));
        assert_eq!(probe(&file(&[], 1_000, &[0])), Err(ProbeError::Unknown));
    }

    #[test]
    fn a_file_that_is_cut_off_anywhere_is_refused_or_read_as_far_as_it_goes() {
        let bytes = file(&[SOUND], 1_000, &[0, 500]);
        for end in 0..bytes.len() {
            if let Ok(info) = probe(&bytes[..end]) {
                assert_eq!(info.duration_ms, Some(1_000), "{end}");
            }
        }
    }
}
