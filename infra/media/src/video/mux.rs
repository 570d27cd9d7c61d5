//! H.264 encoding and the MP4 file around it.

use mp4_atom::{
    Avc1, Avcc, Codec, Colr, Dinf, Dref, DrefEntry, Encode, FixedPoint, Ftyp, Hdlr, Mdhd, Mdia, Minf, Moov, Mvhd, Stbl,
    Stco, Stsc, StscEntry, Stsd, Stss, Stsz, StszSamples, Stts, SttsEntry, Tkhd, Trak, Url, Visual, Vmhd,
};
use openh264::OpenH264API;
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, Profile, QpRange,
    RateControlMode, UsageType, VuiConfig,
};
use openh264::formats::YUVSlices;

use super::frame::Frame;
use super::sound::Sound;
use crate::error::MediaError;
use crate::limits::VIDEO_FPS;

/// Ticks per second of the file: whole milliseconds and whole frames at 12 per second both fit.
pub(super) const TIMESCALE: u32 = 12_000;

/// A seekable picture every two seconds.
const KEYFRAME_EVERY: u32 = VIDEO_FPS * 2;

/// Encodes frames one by one and keeps only the result.
pub(super) struct Writer {
    encoder: Encoder,
    size: (u32, u32),
    samples: Vec<u8>,
    sizes: Vec<u32>,
    keyframes: Vec<u32>,
    sps: Vec<u8>,
    pps: Vec<u8>,
}

impl Writer {
    /// A writer for frames of one size.
    pub(super) fn new(width: u32, height: u32) -> Result<Self, MediaError> {
        // A constant quantiser instead of rate control: the same frames give the same bytes, and
        // calm pictures cost little. One thread, because a server draws many things at once.
        let config = EncoderConfig::new()
            .profile(Profile::Baseline)
            .usage_type(UsageType::CameraVideoRealTime)
            .complexity(Complexity::Low)
            .rate_control_mode(RateControlMode::Off)
            .bitrate(BitRate::from_bps(4_000_000))
            .qp(QpRange::new(24, 30))
            .max_frame_rate(FrameRate::from_hz(VIDEO_FPS as f32))
            .skip_frames(false)
            .scene_change_detect(false)
            .adaptive_quantization(false)
            .background_detection(false)
            .intra_frame_period(IntraFramePeriod::from_num_frames(KEYFRAME_EVERY))
            .num_threads(1)
            .vui(VuiConfig::bt601());
        let encoder = Encoder::with_api_config(OpenH264API::from_source(), config).map_err(refused)?;
        Ok(Self {
            encoder,
            size: (width, height),
            samples: Vec::new(),
            sizes: Vec::new(),
            keyframes: Vec::new(),
            sps: Vec::new(),
            pps: Vec::new(),
        })
    }

    /// Appends one frame.
    pub(super) fn push(&mut self, frame: &Frame) -> Result<(), MediaError> {
        let (width, height) = (frame.width as usize, frame.height as usize);
        let planes = (&frame.y[..], &frame.u[..], &frame.v[..]);
        let source = YUVSlices::new(planes, (width, height), (width, width / 2, width / 2));
        let stream = self.encoder.encode(&source).map_err(refused)?;
        let before = self.samples.len();
        let key = matches!(stream.frame_type(), FrameType::IDR);
        let layers = (0..stream.num_layers()).filter_map(|i| stream.layer(i));
        for layer in layers {
            for i in 0..layer.nal_count() {
                let Some(unit) = layer.nal_unit(i).map(without_start_code) else { continue };
                match unit.first().map(|head| head & 0x1F) {
                    Some(7) => self.sps = unit.to_vec(),
                    Some(8) => self.pps = unit.to_vec(),
                    Some(_) => {
                        self.samples.extend((unit.len() as u32).to_be_bytes());
                        self.samples.extend(unit);
                    }
                    None => {}
                }
            }
        }
        if key {
            self.keyframes.push(self.sizes.len() as u32 + 1);
        }
        self.sizes.push((self.samples.len() - before) as u32);
        Ok(())
    }

    /// The file: description first, so that it plays while it loads; then the frames, then the sound.
    pub(super) fn finish(self, duration_ms: u64, sound: Option<&Sound>) -> Result<Vec<u8>, MediaError> {
        let broken = |error: mp4_atom::Error| MediaError::Encoder(error.to_string());
        let mut head = Vec::new();
        let ftyp = Ftyp {
            major_brand: b"isom".into(),
            minor_version: 512,
            compatible_brands: vec![b"isom".into(), b"iso2".into(), b"avc1".into(), b"mp41".into()],
        };
        ftyp.encode(&mut head).map_err(broken)?;
        // The size of the description does not depend on the offsets that it holds.
        let mut moov = Vec::new();
        self.moov(duration_ms, 0, sound)?.encode(&mut moov).map_err(broken)?;
        let offset = head.len() + moov.len() + 8;
        let offset = u32::try_from(offset).map_err(refused)?;
        self.moov(duration_ms, offset, sound)?.encode(&mut head).map_err(broken)?;
        let heard: &[u8] = sound.map_or(&[], |sound| &sound.frames);
        let size = u32::try_from(self.samples.len() + heard.len() + 8).map_err(refused)?;
        head.extend(size.to_be_bytes());
        head.extend(b"mdat");
        head.extend(self.samples);
        head.extend(heard);
        Ok(head)
    }

    fn moov(&self, duration_ms: u64, offset: u32, sound: Option<&Sound>) -> Result<Moov, MediaError> {
        let duration = duration_ms * u64::from(TIMESCALE) / 1000;
        let (width, height) = self.size;
        let mvhd = Mvhd {
            timescale: TIMESCALE,
            duration,
            rate: 1.into(),
            volume: 1.into(),
            next_track_id: 3,
            ..Mvhd::default()
        };
        let tkhd = Tkhd {
            track_id: 1,
            duration,
            enabled: true,
            in_movie: true,
            width: FixedPoint::from(width as u16),
            height: FixedPoint::from(height as u16),
            ..Tkhd::default()
        };
        let mdhd = Mdhd { timescale: TIMESCALE, duration, language: "und".into(), ..Mdhd::default() };
        let dref = Dref { entries: vec![DrefEntry::Url(Url::default())] };
        let minf = Minf {
            vmhd: Some(Vmhd::default()),
            dinf: Dinf { dref },
            stbl: self.table(duration, offset)?,
            ..Minf::default()
        };
        let hdlr = Hdlr { handler: b"vide".into(), name: "VideoHandler".into() };
        let trak = Trak { tkhd, mdia: Mdia { mdhd, hdlr, minf }, ..Trak::default() };
        let behind = u32::try_from(self.samples.len()).ok().and_then(|frames| offset.checked_add(frames));
        let behind = behind.ok_or_else(|| refused("a file too long"))?;
        let tracks = std::iter::once(trak).chain(sound.map(|sound| sound.track(duration_ms, behind)));
        Ok(Moov { mvhd, trak: tracks.collect(), ..Moov::default() })
    }

    /// All samples in one chunk; the last frame is held for what is left of the asked length.
    fn table(&self, duration: u64, offset: u32) -> Result<Stbl, MediaError> {
        let (width, height) = self.size;
        let avcc = Avcc::new(&self.sps, &self.pps).map_err(refused)?;
        let visual =
            Visual { data_reference_index: 1, width: width as u16, height: height as u16, ..Visual::default() };
        let colr = Colr::Nclx {
            colour_primaries: 6,
            transfer_characteristics: 6,
            matrix_coefficients: 6,
            full_range_flag: false,
        };
        let avc1 = Avc1 { visual, avcc, colr: Some(colr), ..Avc1::default() };
        let count = self.sizes.len() as u32;
        let delta = TIMESCALE / VIDEO_FPS;
        let rest = duration.saturating_sub(u64::from(count.saturating_sub(1)) * u64::from(delta)).max(1) as u32;
        let mut times = vec![SttsEntry { sample_count: count.saturating_sub(1), sample_delta: delta }];
        times.retain(|entry| entry.sample_count > 0);
        times.push(SttsEntry { sample_count: 1, sample_delta: rest });
        Ok(Stbl {
            stsd: Stsd { codecs: vec![Codec::Avc1(avc1)] },
            stts: Stts { entries: times },
            stss: Some(Stss { entries: self.keyframes.clone() }),
            stsc: Stsc {
                entries: vec![StscEntry { first_chunk: 1, samples_per_chunk: count, sample_description_index: 1 }],
            },
            stsz: Stsz { samples: StszSamples::Different { sizes: self.sizes.clone() } },
            stco: Some(Stco { entries: vec![offset] }),
            ..Stbl::default()
        })
    }
}

pub(super) fn refused(error: impl std::fmt::Display) -> MediaError {
    MediaError::Encoder(error.to_string())
}

/// An Annex B unit without the zeros and the one before it.
fn without_start_code(unit: &[u8]) -> &[u8] {
    let zeros = unit.iter().take_while(|byte| **byte == 0).count();
    match unit.get(zeros) {
        Some(1) if zeros >= 2 => &unit[zeros + 1..],
        _ => unit,
    }
}
