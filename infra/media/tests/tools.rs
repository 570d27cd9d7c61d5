//! Work on files of others, sound effects, vectors and transcripts; and measuring.

use std::io::Cursor;

use bytes::Bytes;
use mintmark_media::limits::PORTRAIT_PIXELS_MAX;
use mintmark_media::{
    EffectChoices, ImageFormat, LipsyncSpec, MediaError, MediaKind, MusicChoices, Picture, SyncMode, VideoMode,
    VideoSpec, cut_out, draw_image, draw_svg, extract_audio, make_effect, make_lipsync, make_music, make_music_with,
    make_speech, make_transcript, make_video, measure, portrait, probe, svg_size, upscale_image, upscale_video,
    video_frame,
};

fn film(duration_ms: u64, sound: bool) -> Bytes {
    let spec = VideoSpec {
        prompt: "a boat on the sea".into(),
        seed: 3,
        width: 160,
        height: 90,
        duration_ms,
        mode: VideoMode::Text,
        sound,
    };
    make_video(&spec).unwrap().bytes.into()
}

fn speech(text: &str) -> Bytes {
    make_speech(text, "ava", 1).unwrap().to_vec().into()
}

fn length(file: &[u8]) -> u64 {
    probe(file).unwrap().duration_ms.unwrap()
}

fn samples(file: &[u8]) -> Vec<i16> {
    file[44..].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect()
}

fn loudness(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|sample| f64::from(*sample) * f64::from(*sample)).sum();
    (sum / samples.len().max(1) as f64).sqrt()
}

/// Crossings of zero per second: low for a rumble, high for a hiss.
fn crossings(samples: &[i16]) -> usize {
    let changes = samples.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
    changes * 22_050 / samples.len().max(1)
}

#[test]
fn effects_have_exactly_the_asked_length_and_sound_like_their_words() {
    let effect = |prompt: &str| {
        let audio = make_effect(prompt, 7, 3_000, EffectChoices::default()).unwrap();
        assert_eq!(audio.duration_ms(), 3_000, "{prompt}");
        let samples = samples(&audio.to_vec());
        assert!(loudness(&samples) > 300.0, "{prompt}: {}", loudness(&samples));
        samples
    };
    let (slam, rain, beep) = (effect("Heavy metal door slam"), effect("rain on a roof"), effect("an alarm beep"));
    let (first, last) = (loudness(&slam[..11_025]), loudness(&slam[55_000..]));
    assert!(first > 6.0 * last, "a slam is over soon: {first} {last}");
    let (first, last) = (loudness(&rain[..22_050]), loudness(&rain[33_000..55_000]));
    assert!(first < 1.6 * last && last < 1.6 * first, "rain goes on: {first} {last}");
    assert!(crossings(&rain) > 1_500 && crossings(&slam[..22_050]) < crossings(&rain));
    assert!(beep.chunks(2_205).any(|tenth| loudness(tenth) < 50.0), "beeps have pauses");
    assert_eq!(effect("rain on a roof"), rain, "the same words and seed sound the same");
    let other = make_effect("rain on a roof", 8, 3_000, EffectChoices::default()).unwrap();
    assert_ne!(samples(&other.to_vec()), rain);
    let close = EffectChoices { influence: Some(1.0), seamless: false };
    assert_ne!(samples(&make_effect("rain on a roof", 7, 3_000, close).unwrap().to_vec()), rain);
}

#[test]
fn a_seamless_effect_begins_where_it_ends_and_others_fade() {
    for (prompt, seamless) in [("an engine hums", true), ("an engine hums", false)] {
        let choices = EffectChoices { influence: None, seamless };
        let made = samples(&make_effect(prompt, 1, 2_000, choices).unwrap().to_vec());
        let end = loudness(&made[made.len() - 200..]);
        assert_eq!(end > 1_500.0, seamless, "{seamless}: {end}");
    }
}

#[test]
fn lengths_beyond_the_limits_are_refused() {
    assert!(matches!(make_effect("x", 0, 0, EffectChoices::default()), Err(MediaError::Length { .. })));
    assert!(matches!(make_effect("x", 0, 61_000, EffectChoices::default()), Err(MediaError::Length { .. })));
    assert!(matches!(make_transcript("x", 0, 0), Err(MediaError::Length { .. })));
    assert!(matches!(make_transcript("x", 0, 7_200_001), Err(MediaError::Length { .. })));
}

#[test]
fn music_leaves_out_what_it_is_told_and_says_what_it_is() {
    let play = |choices| make_music_with("an upbeat dance track", 2, 20_000, choices).unwrap();
    let (usual, details) = play(MusicChoices::default());
    assert_eq!(usual.to_vec(), make_music("an upbeat dance track", 2, 20_000).unwrap().to_vec());
    assert!(details.drums && !details.instrumental && details.tempo_bpm > 100, "{details:?}");
    assert_eq!(details.sections.first().map(|section| section.start_ms), Some(0));
    assert_eq!(details.sections.last().map(|section| section.end_ms), Some(20_000));
    assert!(details.sections.windows(2).all(|pair| pair[0].end_ms == pair[1].start_ms), "{details:?}");
    let (silent, said) = play(MusicChoices { instrumental: true, without: "" });
    assert!(said.instrumental);
    assert_ne!(silent.to_vec(), usual.to_vec());
    let (soft, said) = play(MusicChoices { instrumental: false, without: "no drums please" });
    assert!(!said.drums);
    assert_ne!(soft.to_vec(), usual.to_vec());
}

#[test]
fn lips_follow_a_sound_and_each_mode_has_its_length() {
    let (video, audio) = (film(2_000, false), speech("A sentence that takes some three seconds to say."));
    let (long, short) = (length(&audio), 2_000);
    assert!(long > short + 500);
    for (mode, wanted) in [
        (SyncMode::CutOff, short),
        (SyncMode::Loop, long),
        (SyncMode::Bounce, long),
        (SyncMode::Remap, long),
        (SyncMode::Silence, long),
    ] {
        let spec = LipsyncSpec { video: video.clone(), audio: audio.clone(), mode, short_edge: Some(120) };
        let made = make_lipsync(&spec).unwrap();
        assert_eq!((made.height, made.duration_ms.abs_diff(wanted) <= 2), (120, true), "{mode:?} {}", made.duration_ms);
        assert!(length(&made.bytes).abs_diff(wanted) <= 60, "{mode:?}");
        let heard = extract_audio(&made.bytes.clone().into()).unwrap().expect("its sound").to_vec();
        assert!(length(&heard).abs_diff(wanted) <= 60, "{mode:?} {}", length(&heard));
        assert!(loudness(&samples(&heard)) > 300.0);
        assert_eq!(make_lipsync(&spec).unwrap().bytes, made.bytes, "the same again");
    }
}

#[test]
fn the_mouth_opens_with_the_sound() {
    // Still water: all that moves is the mouth.
    let still = draw_image("calm", 1, Picture { width: 160, height: 160, format: ImageFormat::Png }, &[]).unwrap();
    let spec = VideoSpec {
        prompt: "calm".into(),
        seed: 1,
        width: 160,
        height: 160,
        duration_ms: 4_000,
        mode: VideoMode::FirstLast { first: still.clone().into(), last: still.into() },
        sound: false,
    };
    let video: Bytes = make_video(&spec).unwrap().bytes.into();
    let mut loud = speech("AAAAAAAAAAAAAAAAAAAAAAAAAAAA").to_vec();
    let half = 44 + (loud.len() - 44) / 4 * 2;
    loud[half..].fill(0);
    let spec = LipsyncSpec { video, audio: loud.into(), mode: SyncMode::CutOff, short_edge: None };
    let made = make_lipsync(&spec).unwrap();
    let (open, closed) = (made.duration_ms / 4, made.duration_ms * 7 / 8);
    let dark = |at: u64| {
        let frame = video_frame(&made.bytes.clone().into(), at, 160, 160).unwrap();
        let places = (95..118usize).flat_map(|y| (70..90usize).map(move |x| (y * 160 + x) * 3));
        places.filter(|at| frame.rgb[*at..*at + 3].iter().all(|channel| *channel < 60)).count()
    };
    assert!(dark(open) > dark(closed) + 40, "{} {}", dark(open), dark(closed));
}

#[test]
fn what_cannot_be_followed_is_named_by_its_place() {
    let (video, audio) = (film(1_000, false), speech("Hello."));
    let spec = |video: &Bytes, audio: &Bytes| LipsyncSpec {
        video: video.clone(),
        audio: audio.clone(),
        mode: SyncMode::CutOff,
        short_edge: None,
    };
    assert!(matches!(make_lipsync(&spec(&audio, &audio)), Err(MediaError::Input { index: 0, .. })));
    assert!(matches!(make_lipsync(&spec(&video, &video)), Err(MediaError::Input { index: 1, .. })), "no sound");
    let nothing = Bytes::from_static(b"nothing");
    assert!(matches!(make_lipsync(&spec(&video, &nothing)), Err(MediaError::Input { index: 1, .. })));
}

#[test]
fn an_enlarged_video_has_the_size_the_pictures_and_the_sound_of_its_source() {
    let source = film(1_500, true);
    for factor in [2, 4] {
        let made = upscale_video(&source, factor).unwrap();
        assert_eq!((made.width, made.height, made.duration_ms), (160 * factor, 90 * factor, 1_500));
        let info = probe(&made.bytes).unwrap();
        assert_eq!((info.width, info.height), (Some(160 * factor), Some(90 * factor)));
        let bytes: Bytes = made.bytes.into();
        assert!(extract_audio(&bytes).unwrap().is_some(), "its sound stays");
        let (before, after) = (video_frame(&source, 700, 80, 44).unwrap(), video_frame(&bytes, 700, 80, 44).unwrap());
        let apart: u64 = before.rgb.iter().zip(&after.rgb).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!(apart / (before.rgb.len() as u64) < 12, "{factor}: {}", apart / before.rgb.len() as u64);
    }
    assert!(extract_audio(&upscale_video(&film(500, false), 2).unwrap().bytes.into()).unwrap().is_none());
    assert!(matches!(upscale_video(&source, 40), Err(MediaError::Size { .. })));
    assert!(matches!(upscale_video(&Bytes::from_static(b"x"), 2), Err(MediaError::Input { .. })));
}

#[test]
fn an_enlarged_picture_has_the_asked_size_and_looks_the_same() {
    let form = Picture { width: 60, height: 40, format: ImageFormat::Jpeg };
    let source: Bytes = draw_image("a portrait", 1, form, &[]).unwrap().into();
    let made = upscale_image(&source, 4, ImageFormat::Png).unwrap();
    let info = probe(&made).unwrap();
    assert_eq!((info.kind, info.width, info.height), (MediaKind::Png, Some(240), Some(160)));
    let small = image::load_from_memory(&made).unwrap().resize_exact(60, 40, image::imageops::FilterType::Triangle);
    let (a, b) = (small.to_rgb8(), image::load_from_memory(&source).unwrap().to_rgb8());
    let apart: u64 = a.iter().zip(b.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    assert!(apart / (60 * 40 * 3) < 8, "{}", apart / (60 * 40 * 3));
    assert!(matches!(upscale_image(&source, 400, ImageFormat::Png), Err(MediaError::Size { .. })));
}

#[test]
fn a_portrait_is_made_of_a_picture_that_is_not_too_large() {
    let edge = u32::try_from(PORTRAIT_PIXELS_MAX.isqrt()).unwrap();
    let made = |height| {
        let mut file = Cursor::new(Vec::new());
        image::GrayImage::new(edge, height).write_to(&mut file, image::ImageFormat::Png).unwrap();
        portrait(&file.into_inner().into(), 32)
    };
    let small = image::load_from_memory(&made(edge).unwrap()).unwrap();
    assert_eq!((small.width(), small.height()), (32, 32));
    assert!(matches!(made(edge + 2), Err(MediaError::Input { .. })), "{PORTRAIT_PIXELS_MAX} pixels and no more");
}

#[test]
fn a_background_becomes_transparent_and_the_subject_stays() {
    // A red disc with a hole of the background's colour, on a soft gradient.
    let mut picture = image::RgbImage::new(120, 90);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let from_middle = (f64::from(x) - 60.0).hypot(f64::from(y) - 45.0);
        let sky = image::Rgb([170 + (x / 4) as u8, 200, 220 - (y / 4) as u8]);
        *pixel = if (8.0..30.0).contains(&from_middle) { image::Rgb([200, 30, 40]) } else { sky };
    }
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, image::ImageFormat::Png).unwrap();
    let cut = cut_out(&file.into_inner().into()).unwrap();
    let cut = image::load_from_memory(&cut).unwrap();
    assert!(cut.color().has_alpha());
    let cut = cut.to_rgba8();
    assert_eq!(cut.dimensions(), (120, 90));
    let alpha = |x, y| cut.get_pixel(x, y).0[3];
    for (x, y) in [(0, 0), (119, 0), (0, 89), (119, 89), (60, 5), (5, 45), (110, 80)] {
        assert_eq!(alpha(x, y), 0, "background at {x},{y}");
    }
    for (x, y) in [(60, 25), (40, 45), (80, 45), (60, 68)] {
        assert_eq!((alpha(x, y), cut.get_pixel(x, y).0[0]), (255, 200), "subject at {x},{y}");
    }
    assert_eq!(alpha(60, 45), 255, "what the subject encloses is not connected to the border");
    let edge: Vec<u8> = (85..95).map(|x| alpha(x, 45)).collect();
    assert!(edge.iter().any(|alpha| (1..255).contains(alpha)), "a soft edge: {edge:?}");
    assert!(matches!(cut_out(&Bytes::from_static(b"x")), Err(MediaError::Input { .. })));
}

#[test]
fn vectors_are_well_formed_and_hold_nothing_but_shapes() {
    let nasty = "a <script>alert('1')</script> & \"logo\" \u{0} \u{FFFE} {x}";
    let prompts = ["mountain lake", "a flower", "monogram of Ada Lovelace", "pattern", "sea waves", nasty, ""];
    for (seed, prompt) in (0..).zip(prompts) {
        let drawn = draw_svg(prompt, seed, (16, 9));
        assert_eq!(draw_svg(prompt, seed, (16, 9)), drawn);
        assert_ne!(draw_svg(prompt, seed + 100, (16, 9)), drawn, "{prompt}");
        assert!(drawn.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && drawn.ends_with("</svg>"));
        assert!(drawn.contains("viewBox=\"0 0 910 512\""), "{}", &drawn[..120]);
        let lower = drawn.to_lowercase();
        for unsafe_word in ["<script", "href", "<style", "<image", "<foreignobject", "url(", "onload", "javascript:"] {
            assert!(!lower.contains(unsafe_word), "{prompt}: {unsafe_word}");
        }
        well_formed(&drawn);
        assert_eq!(svg_size(drawn.as_bytes()), Some((910, 512)));
    }
}

#[test]
fn a_vector_drawing_has_the_size_that_it_asks_for() {
    for (svg, size) in [
        ("<?xml version='1.0'?><!-- c --><svg width='10px' height=' 20.4 '/>", Some((10, 20))),
        ("<svg width=\"100%\" height=\"100%\" viewBox=\"0,0 24 48\"></svg>", Some((24, 48))),
        ("<s:svg xmlns:s='http://www.w3.org/2000/svg' viewBox='0 0 1 2'/>", Some((1, 2))),
        ("<svg/>", None),
        ("<svg width='1e9' height='1'/>", None),
        ("<svg width='NaN' height='-1' viewBox='0 0 x'/>", None),
        ("<html width='1' height='1'/>", None),
        ("no drawing", None),
        ("", None),
    ] {
        assert_eq!(svg_size(svg.as_bytes()), size, "{svg}");
    }
    assert_eq!(svg_size(b"\xff<svg width='\xff' height='1'/>"), None);
}

/// Every element that opens is closed in its turn, and every ampersand begins an entity.
fn well_formed(text: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in text.split('<').skip(1) {
        let (tag, after) = tag.split_once('>').expect("a tag ends");
        assert!(!after.contains('>'), "{after}");
        match (tag.strip_prefix('/'), tag.ends_with('/')) {
            (Some(name), _) => assert_eq!(open.pop(), Some(name)),
            (None, true) => {}
            (None, false) => open.push(tag.split(' ').next().unwrap()),
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
    }
    assert!(open.is_empty(), "{open:?}");
    let entities = ["amp;", "lt;", "gt;", "quot;", "#39;"];
    assert!(text.split('&').skip(1).all(|rest| entities.iter().any(|entity| rest.starts_with(entity))));
}

#[test]
fn a_transcript_tiles_the_recording_and_says_that_it_is_the_sandboxs() {
    for duration_ms in [1, 400, 3_200, 61_001, 600_000, 7_200_000] {
        let made = make_transcript("a recording", 5, duration_ms).unwrap();
        assert!(made.text.starts_with("[sandbox]"), "{}", made.text);
        assert_eq!(make_transcript("a recording", 5, duration_ms).unwrap(), made);
        let words: Vec<(u64, u64)> = made.words.iter().map(|word| (word.start_ms, word.end_ms)).collect();
        let segments: Vec<(u64, u64)> = made.segments.iter().map(|one| (one.start_ms, one.end_ms)).collect();
        for pieces in [&words, &segments] {
            assert_eq!((pieces[0].0, pieces[pieces.len() - 1].1), (0, duration_ms));
            assert!(pieces.windows(2).all(|pair| pair[0].1 == pair[1].0), "no gap, no overlap");
        }
        let joined: Vec<&str> = made.words.iter().map(|word| word.word.as_str()).collect();
        assert_eq!(joined.join(" "), made.text);
    }
    let other = make_transcript("another", 5, 60_000).unwrap();
    assert_ne!(other, make_transcript("a recording", 5, 60_000).unwrap());
}

#[test]
fn what_is_measured_is_as_long_as_what_is_probed() {
    let files = [film(2_500, true), film(1_000, false), speech("How long is this?")];
    for file in files {
        let (measured, probed) = (measure(Cursor::new(file.clone())).unwrap(), probe(&file).unwrap());
        assert_eq!(measured.kind, probed.kind);
        let (measured, probed) = (measured.duration_ms.unwrap(), probed.duration_ms.unwrap());
        assert!(measured >= probed && measured - probed <= 100, "{measured} {probed}");
    }
    assert!(measure(Cursor::new(b"nothing of the kind".to_vec())).is_err());
    assert!(measure(Cursor::new(Vec::new())).is_err());
}

#[test]
fn a_file_that_understates_its_length_is_measured_by_what_is_in_it() {
    let mut film = film(4_000, false).to_vec();
    // The length in the movie's head: version and flags, two times, the scale, then the length; times
    // and length are twice as long in version 1.
    let head = film.windows(4).position(|four| four == b"mvhd").unwrap() + 4;
    match film[head] {
        0 => film[head + 16..head + 20].copy_from_slice(&12u32.to_be_bytes()),
        _ => film[head + 24..head + 32].copy_from_slice(&12u64.to_be_bytes()),
    }
    assert_eq!(probe(&film).unwrap().duration_ms, Some(1), "by its own word");
    let measured = measure(Cursor::new(film)).unwrap().duration_ms.unwrap();
    assert!(measured >= 3_990, "{measured}");
}
