//! The sound of a video as a FLAC track: music of its length, or samples that are given.

use flacenc::bitsink::ByteSink;
use flacenc::component::{BitRepr as _, Stream};
use flacenc::error::Verify as _;
use flacenc::source::MemSource;
use mp4_atom::{
    Audio, Codec, Dfla, Dinf, Dref, DrefEntry, FixedPoint, Flac, FlacMetadataBlock, Hdlr, Mdhd, Mdia, Minf, Smhd, Stbl,
    Stco, Stsc, StscEntry, Stsd, Stsz, StszSamples, Stts, SttsEntry, Tkhd, Trak, Url,
};

use super::mux::{TIMESCALE, refused};
use crate::audio::make_music;
use crate::error::MediaError;
use crate::limits::AUDIO_SAMPLE_RATE;

/// The number of the track in its file.
const TRACK: u32 = 2;
/// Bits of one sample.
const SAMPLE_BITS: usize = 16;

/// An encoded sound.
pub(super) struct Sound {
    /// All frames, one after the other.
    pub(super) frames: Vec<u8>,
    sizes: Vec<u32>,
    times: Vec<SttsEntry>,
    info: FlacMetadataBlock,
    samples: u64,
}

impl Sound {
    /// Music of a prompt that lasts so long.
    pub(super) fn of(prompt: &str, seed: u64, duration_ms: u64) -> Result<Self, MediaError> {
        let music = make_music(prompt, seed, duration_ms)?;
        let samples: Vec<i16> = music.pcm().flatten().collect();
        Self::encoded(&samples)
    }

    /// Samples at our own rate.
    pub(super) fn encoded(samples: &[i16]) -> Result<Self, MediaError> {
        let samples: Vec<i32> = samples.iter().copied().map(i32::from).collect();
        let config = flacenc::config::Encoder::default().into_verified().map_err(|(_, error)| refused(error))?;
        let source = MemSource::from_samples(&samples, 1, SAMPLE_BITS, AUDIO_SAMPLE_RATE as usize);
        let stream = flacenc::encode_with_fixed_block_size(&config, source, config.block_size)
            .map_err(|error| MediaError::Encoder(format!("{error:?}")))?;
        let mut sound = Sound {
            frames: Vec::new(),
            sizes: Vec::with_capacity(stream.frame_count()),
            times: Vec::new(),
            info: info(&stream)?,
            samples: samples.len() as u64,
        };
        for frame in (0..stream.frame_count()).filter_map(|number| stream.frame(number)) {
            let mut sink = ByteSink::new();
            frame.write(&mut sink).map_err(refused)?;
            sound.sizes.push(u32::try_from(sink.as_slice().len()).map_err(refused)?);
            sound.frames.extend_from_slice(sink.as_slice());
            let sample_delta = u32::try_from(frame.block_size()).map_err(refused)?;
            match sound.times.last_mut() {
                Some(entry) if entry.sample_delta == sample_delta => entry.sample_count += 1,
                _ => sound.times.push(SttsEntry { sample_count: 1, sample_delta }),
            }
        }
        Ok(sound)
    }

    /// The track, whose frames lie in one chunk at `offset`.
    pub(super) fn track(&self, duration_ms: u64, offset: u32) -> Trak {
        let tkhd = Tkhd {
            track_id: TRACK,
            duration: duration_ms * u64::from(TIMESCALE) / 1000,
            enabled: true,
            in_movie: true,
            volume: 1.into(),
            ..Tkhd::default()
        };
        let mdhd =
            Mdhd { timescale: AUDIO_SAMPLE_RATE, duration: self.samples, language: "und".into(), ..Mdhd::default() };
        let hdlr = Hdlr { handler: b"soun".into(), name: "SoundHandler".into() };
        let audio = Audio {
            data_reference_index: 1,
            channel_count: 1,
            sample_size: SAMPLE_BITS as u16,
            sample_rate: FixedPoint::from(AUDIO_SAMPLE_RATE as u16),
        };
        let flac = Flac { audio, dfla: Dfla { blocks: vec![self.info.clone()] } };
        let samples_per_chunk = self.sizes.len() as u32;
        let stbl = Stbl {
            stsd: Stsd { codecs: vec![Codec::Flac(flac)] },
            stts: Stts { entries: self.times.clone() },
            stsc: Stsc { entries: vec![StscEntry { first_chunk: 1, samples_per_chunk, sample_description_index: 1 }] },
            stsz: Stsz { samples: StszSamples::Different { sizes: self.sizes.clone() } },
            stco: Some(Stco { entries: vec![offset] }),
            ..Stbl::default()
        };
        let dref = Dref { entries: vec![DrefEntry::Url(Url::default())] };
        let minf = Minf { smhd: Some(Smhd::default()), dinf: Dinf { dref }, stbl, ..Minf::default() };
        Trak { tkhd, mdia: Mdia { mdhd, hdlr, minf }, ..Trak::default() }
    }
}

/// What a decoder is told first.
fn info(stream: &Stream) -> Result<FlacMetadataBlock, MediaError> {
    let info = stream.stream_info();
    let block = |size: usize| u16::try_from(size).map_err(refused);
    let frame = |size: usize| u32::try_from(size).map_err(refused)?.try_into().map_err(|_| refused("a frame too long"));
    Ok(FlacMetadataBlock::StreamInfo {
        minimum_block_size: block(info.min_block_size())?,
        maximum_block_size: block(info.max_block_size())?,
        minimum_frame_size: frame(info.min_frame_size())?,
        maximum_frame_size: frame(info.max_frame_size())?,
        sample_rate: AUDIO_SAMPLE_RATE,
        num_channels_minus_one: 0,
        bits_per_sample_minus_one: SAMPLE_BITS as u8 - 1,
        number_of_interchannel_samples: info.total_samples() as u64,
        md5_checksum: info.md5_digest().to_vec(),
    })
}
