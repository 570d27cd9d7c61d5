//! Reads MP4 files of unknown origin: box by box, tolerant of what it does not know.
//!
//! Only what is needed to know a file's tracks and to decode its H.264 track is read. Every length
//! that the file states is checked against the bytes that are there.

use mp4_atom::{Atom, Avcc, Ctts, Hdlr, Mdhd, Mehd, Mvhd, Stco, Stsc, Stsz, StszSamples, Stts, Tkhd};

use crate::limits::INPUT_VIDEO_SAMPLES_MAX;

/// What a file says about itself.
#[derive(Debug, Default)]
pub(crate) struct Movie {
    /// The major brand.
    pub(crate) brand: [u8; 4],
    /// Length in milliseconds, if stated.
    pub(crate) duration_ms: Option<u64>,
    /// All tracks.
    pub(crate) tracks: Vec<Track>,
}

/// What a track says about itself.
#[derive(Debug, Default)]
pub(crate) struct Track {
    /// `vide`, `soun`, …
    pub(crate) handler: [u8; 4],
    /// Four characters that name the coding, such as `avc1`.
    pub(crate) coding: [u8; 4],
    /// Width of the coded picture in pixels; 0 for sound.
    pub(crate) width: u32,
    /// Height of the coded picture in pixels; 0 for sound.
    pub(crate) height: u32,
    /// Ticks per second of the track's times.
    pub(crate) timescale: u32,
    /// Length in ticks.
    pub(crate) duration: u64,
    /// How H.264 is configured.
    pub(crate) avcc: Option<Avcc>,
    table: Table,
}

impl Track {
    /// Its length in milliseconds: as it states it, or as its samples last together, whichever is more.
    pub(crate) fn length_ms(&self) -> Option<u64> {
        let entries = self.table.times.iter().flat_map(|times| &times.entries);
        let ticks = entries.fold(0u64, |sum, entry| {
            sum.saturating_add(u64::from(entry.sample_count).saturating_mul(u64::from(entry.sample_delta)))
        });
        to_ms(self.duration, self.timescale).max(to_ms(ticks, self.timescale))
    }
}

#[derive(Debug, Default)]
struct Table {
    times: Option<Stts>,
    offsets: Option<Ctts>,
    chunks: Option<Stsc>,
    sizes: Option<Stsz>,
    places: Vec<u64>,
}

/// One coded frame within the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Where it begins in the file.
    pub(crate) offset: usize,
    /// How many bytes it has; they all lie within the file.
    pub(crate) size: usize,
    /// When it is shown, in milliseconds.
    pub(crate) shown_ms: u64,
}

/// The boxes of a container, as (kind, body). Ends at the first one that does not fit.
pub(crate) fn boxes(data: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let (size, kind) = (rest.first_chunk::<4>()?, rest.get(4..8)?.first_chunk::<4>().copied()?);
        let (head, size) = match u32::from_be_bytes(*size) {
            0 => (8, rest.len()),
            1 => (16, usize::try_from(u64::from_be_bytes(*rest.get(8..16)?.first_chunk()?)).ok()?),
            size => (8, size as usize),
        };
        let body = rest.get(head..size)?;
        rest = &rest[size..];
        Some((kind, body))
    })
}

/// Reads a file's description; `None` if it has none.
pub(crate) fn read(data: &[u8]) -> Option<Movie> {
    let mut movie = Movie::default();
    let mut described = false;
    for (kind, body) in boxes(data) {
        match &kind {
            b"ftyp" => movie.brand = *body.first_chunk()?,
            b"moov" => {
                described = true;
                read_moov(body, &mut movie);
            }
            _ => {}
        }
    }
    described.then_some(movie)
}

/// Reads a description that stands apart from its file.
pub(crate) fn read_description(moov: &[u8]) -> Movie {
    let mut movie = Movie::default();
    read_moov(moov, &mut movie);
    movie
}

fn read_moov(body: &[u8], movie: &mut Movie) {
    let mut timescale = 0;
    for (kind, mut body) in boxes(body) {
        match &kind {
            b"mvhd" => {
                if let Ok(head) = Mvhd::decode_body(&mut body) {
                    timescale = head.timescale;
                    movie.duration_ms = to_ms(head.duration, timescale).filter(|ms| *ms > 0);
                }
            }
            // Fragmented files state their whole length here, if at all.
            b"mvex" => {
                for (kind, mut body) in boxes(body) {
                    if &kind == b"mehd"
                        && let Ok(head) = Mehd::decode_body(&mut body)
                        && movie.duration_ms.is_none()
                    {
                        movie.duration_ms = to_ms(head.fragment_duration, timescale);
                    }
                }
            }
            b"trak" if movie.tracks.len() < 64 => movie.tracks.push(read_track(body)),
            _ => {}
        }
    }
}

fn read_track(body: &[u8]) -> Track {
    let mut track = Track::default();
    for (kind, mut body) in boxes(body) {
        match &kind {
            b"tkhd" => {
                if let Ok(head) = Tkhd::decode_body(&mut body) {
                    (track.width, track.height) = (head.width.integer().into(), head.height.integer().into());
                }
            }
            b"mdia" => read_media(body, &mut track),
            _ => {}
        }
    }
    track
}

fn read_media(body: &[u8], track: &mut Track) {
    for (kind, mut body) in boxes(body) {
        match &kind {
            b"mdhd" => {
                if let Ok(head) = Mdhd::decode_body(&mut body) {
                    (track.timescale, track.duration) = (head.timescale, head.duration);
                }
            }
            b"hdlr" => {
                if let Ok(head) = Hdlr::decode_body(&mut body) {
                    track.handler = head.handler.into();
                }
            }
            b"minf" => {
                for (_, body) in boxes(body).filter(|(kind, _)| kind == b"stbl") {
                    read_table(body, track);
                }
            }
            _ => {}
        }
    }
}

fn read_table(body: &[u8], track: &mut Track) {
    let table = &mut track.table;
    for (kind, mut body) in boxes(body) {
        match &kind {
            b"stts" => table.times = Stts::decode_body(&mut body).ok(),
            b"ctts" => table.offsets = Ctts::decode_body(&mut body).ok(),
            b"stsc" => table.chunks = Stsc::decode_body(&mut body).ok(),
            b"stsz" => table.sizes = Stsz::decode_body(&mut body).ok(),
            b"stco" => {
                if let Ok(places) = Stco::decode_body(&mut body) {
                    table.places = places.entries.into_iter().map(u64::from).collect();
                }
            }
            b"co64" => {
                if let Ok(places) = mp4_atom::Co64::decode_body(&mut body) {
                    table.places = places.entries;
                }
            }
            b"stsd" => {
                // Version, flags and count, then the entries; the first one counts.
                let entry = body.get(8..).and_then(|entries| boxes(entries).next());
                if let Some((coding, entry)) = entry {
                    track.coding = coding;
                    if matches!(&coding, b"avc1" | b"avc3") {
                        read_avc(entry, &mut track.avcc, (&mut track.width, &mut track.height));
                    }
                }
            }
            _ => {}
        }
    }
}

/// A visual sample entry: 78 bytes of fixed fields (the size at 24), then boxes.
fn read_avc(entry: &[u8], avcc: &mut Option<Avcc>, size: (&mut u32, &mut u32)) {
    let field = |at: usize| entry.get(at..at + 2).map(|b| u32::from(u16::from_be_bytes([b[0], b[1]])));
    if let (Some(width), Some(height)) = (field(24), field(26)) {
        (*size.0, *size.1) = (width, height);
    }
    for (kind, mut body) in entry.get(78..).into_iter().flat_map(boxes) {
        if &kind == b"avcC" {
            *avcc = Avcc::decode_body(&mut body).ok();
        }
    }
}

/// Ticks to milliseconds; `None` for a nonsensical scale or what cannot be counted.
pub(crate) fn to_ms(ticks: u64, timescale: u32) -> Option<u64> {
    // All ones stands for "unknown".
    let known = timescale > 0 && ticks != u64::MAX && ticks != u64::from(u32::MAX);
    known.then(|| u64::try_from(u128::from(ticks) * 1000 / u128::from(timescale)).ok()).flatten()
}

impl Track {
    /// Where each sample lies and when it is shown, in coding order, as far as the bytes are there.
    pub(crate) fn samples(&self, file_len: usize, most: usize) -> Vec<Sample> {
        let table = &self.table;
        let (Some(sizes), Some(chunks), Some(times)) = (&table.sizes, &table.chunks, &table.times) else {
            return Vec::new();
        };
        let most = most.min(INPUT_VIDEO_SAMPLES_MAX);
        let size_of = |index: usize| match &sizes.samples {
            StszSamples::Different { sizes } => sizes.get(index).copied(),
            StszSamples::Identical { count, size } => (index < *count as usize).then_some(*size),
        };
        let mut shown = self.shown_times(times);
        let mut samples = Vec::new();
        let mut index = 0;
        for (i, start) in table.places.iter().enumerate() {
            // The last entry whose first chunk (counted from 1) is not after this one.
            let after = chunks.entries.partition_point(|entry| entry.first_chunk as usize <= i + 1);
            let Some(run) = after.checked_sub(1).and_then(|at| chunks.entries.get(at)) else { break };
            let Ok(mut offset) = usize::try_from(*start) else { break };
            for _ in 0..run.samples_per_chunk {
                let (Some(size), Some(shown_ms)) = (size_of(index), shown.next()) else { return samples };
                let size = size as usize;
                let Some(end) = offset.checked_add(size).filter(|end| *end <= file_len) else { return samples };
                if samples.len() >= most {
                    return samples;
                }
                samples.push(Sample { offset, size, shown_ms });
                offset = end;
                index += 1;
            }
        }
        samples
    }

    /// When each sample is shown, in milliseconds.
    fn shown_times<'a>(&'a self, times: &'a Stts) -> impl Iterator<Item = u64> + 'a {
        let deltas =
            times.entries.iter().flat_map(|entry| std::iter::repeat_n(entry.sample_delta, entry.sample_count as usize));
        let shifts = self.table.offsets.iter().flat_map(|table| {
            table.entries.iter().flat_map(|e| std::iter::repeat_n(e.sample_offset, e.sample_count as usize))
        });
        let shifts = shifts.chain(std::iter::repeat(0));
        let mut decoded_at = 0i64;
        deltas.zip(shifts).map(move |(delta, shift)| {
            let shown = decoded_at.saturating_add(shift).max(0) as u64;
            decoded_at = decoded_at.saturating_add(i64::from(delta));
            to_ms(shown, self.timescale).unwrap_or(0)
        })
    }
}
