//! Bytes of unknown origin: typed errors, never a panic, never an endless loop.

use bytes::Bytes;
use mintmark_media::{
    ImageFormat, MediaError, MediaKind, Picture, ProbeError, VideoMode, VideoSpec, draw_image, make_music, make_video,
    probe, video_frame,
};
use proptest::prelude::*;

/// Beginnings of every kind of file that is recognised.
const HEADS: [&[u8]; 17] = [
    b"\x89PNG\r\n\x1a\n",
    b"\xFF\xD8\xFF\xE0",
    b"GIF89a",
    b"RIFF\x24\0\0\0WEBPVP8L",
    b"RIFF\x24\0\0\0WEBPVP8X",
    b"RIFF\x24\0\0\0WAVEfmt ",
    b"fLaC\0\0\0\x22",
    b"OggS\0\x02",
    b"\x1A\x45\xDF\xA3",
    b"\0\0\0\x18ftypisom\0\0\0\0isommp41\0\0\0\x80moov",
    b"\0\0\0\x80moov\0\0\0\x6cmvhd",
    b"\0\0\0\x14ftypqt  \0\0\0\0qt  ",
    b"ID3\x04\0\0\0\0\0\0",
    b"\xFF\xFB\x90\x00",
    b"\xFF\xF1\x50\x80",
    b"\0\0\0\x01moov\0\0\0\0\0\0\0\x20",
    b"",
];

fn film() -> Bytes {
    let spec = VideoSpec {
        prompt: "film".to_owned(),
        seed: 1,
        width: 64,
        height: 48,
        duration_ms: 500,
        mode: VideoMode::Text,
        sound: false,
    };
    make_video(&spec).expect("a video").bytes.into()
}

/// One small, valid file of each kind that this crate makes.
fn valid() -> Vec<Bytes> {
    let picture = |format| Bytes::from(draw_image("sea", 1, Picture { width: 24, height: 20, format }, &[]).unwrap());
    vec![
        picture(ImageFormat::Png),
        picture(ImageFormat::WebP),
        picture(ImageFormat::Jpeg),
        film(),
        make_music("", 1, 40).unwrap().to_vec().into(),
    ]
}

/// Everything that reads foreign bytes.
fn read_all(bytes: &[u8]) {
    let _ = probe(bytes);
    let shared = Bytes::copy_from_slice(bytes);
    let _ = video_frame(&shared, 0, 32, 32);
    let _ = draw_image("x", 1, Picture { width: 32, height: 32, format: ImageFormat::Png }, &[shared]);
}

/// As many cases as the environment asks for (`PROPTEST_CASES`), else a number that takes a second.
fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig::with_cases(asked.unwrap_or(usual))
}

proptest! {
    #![proptest_config(cases(1_500))]

    #[test]
    fn random_bytes_never_panic(head in 0..HEADS.len(), tail in proptest::collection::vec(any::<u8>(), 0..400)) {
        read_all(&[HEADS[head], &tail].concat());
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn damaged_files_never_panic(which in 0usize..5, damage in proptest::collection::vec((any::<u32>(), any::<u8>()), 1..12)) {
        static VALID: std::sync::OnceLock<Vec<Bytes>> = std::sync::OnceLock::new();
        let mut bytes = VALID.get_or_init(valid)[which].to_vec();
        for (at, value) in damage {
            // The first kilobyte describes the file: most damage goes there.
            let reach = if at % 4 == 0 { bytes.len() } else { bytes.len().min(1_000) };
            let place = (at / 4) as usize % reach;
            bytes[place] = value;
        }
        read_all(&bytes);
    }
}

#[test]
fn truncated_files_never_panic() {
    for file in valid() {
        let step = (file.len() / 150).max(1);
        for end in (0..file.len()).step_by(step) {
            read_all(&file[..end]);
        }
    }
}

#[test]
fn a_film_cut_in_its_frames_still_shows_those_that_are_there() {
    let film = film();
    let cut = film.slice(..film.len() * 3 / 4);
    assert!(video_frame(&cut, 0, 64, 48).is_ok());
    assert!(matches!(video_frame(&film.slice(..film.len() / 8), 0, 64, 48), Err(MediaError::Input { .. })));
}

#[test]
fn what_is_no_media_is_unknown_and_what_is_damaged_says_so() {
    for junk in [&b""[..], b"hello", b"%PDF-1.7", b"<svg></svg>", b"\0\0\0\x18ftypheic\0\0\0\0", b"\0\0\0\0\0\0\0\0\0"]
    {
        assert_eq!(probe(junk), Err(ProbeError::Unknown), "{junk:?}");
    }
    assert!(matches!(probe(b"\x89PNG\r\n\x1a\n"), Err(ProbeError::Damaged { kind: MediaKind::Png, .. })));
    assert!(matches!(probe(b"\0\0\0\x10ftypisom\0\0\0\0"), Err(ProbeError::Damaged { kind: MediaKind::Mp4, .. })));
}

#[test]
fn other_kinds_are_recognised() {
    let gif = probe(b"GIF89a\x20\x00\x10\x00\x00\x00\x00").unwrap();
    assert_eq!((gif.kind, gif.width, gif.height), (MediaKind::Gif, Some(32), Some(16)));
    // A hundred silent frames of MP3: 128 kbit/s, 44.1 kHz, 417 bytes and 26.12 ms each.
    let frame = [&[0xFF, 0xFB, 0x90, 0x00][..], &[0; 413]].concat();
    let mp3 = probe(&frame.repeat(100)).unwrap();
    assert_eq!(mp3.kind, MediaKind::Mp3);
    assert!(mp3.duration_ms.unwrap().abs_diff(2_612) < 60, "{:?}", mp3.duration_ms);
}

#[test]
fn a_picture_that_claims_to_be_huge_is_refused_without_being_made() {
    // A PNG header of 60,000 x 60,000 pixels with a right checksum, and nothing after it.
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    png.extend(60_000u32.to_be_bytes());
    png.extend(60_000u32.to_be_bytes());
    png.extend([8, 2, 0, 0, 0]);
    let crc = crc32(&png[12..]);
    png.extend(crc.to_be_bytes());
    png.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    assert_eq!(probe(&png).unwrap().width, Some(60_000));
    let refused = draw_image("x", 1, Picture { width: 32, height: 32, format: ImageFormat::Png }, &[png.into()]);
    assert!(matches!(&refused, Err(MediaError::Input { index: 0, reason }) if reason.contains("60000")), "{refused:?}");
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}
