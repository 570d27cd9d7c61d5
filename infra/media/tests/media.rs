//! What is made is what was asked for, as other readers of the same formats see it.

use std::collections::HashSet;

use bytes::Bytes;
use mintmark_media::limits::{
    AUDIO_SAMPLE_RATE, IMAGE_EDGE_MAX, INPUTS_MAX, MUSIC_SECONDS_MAX, SPEECH_CHARS_MAX, VIDEO_EDGE_MAX, VIDEO_FPS,
    VIDEO_SECONDS_MAX,
};
use mintmark_media::{
    Frame, ImageFormat, MediaClass, MediaError, MediaInfo, MediaKind, Picture, Video, VideoMode, VideoSpec, draw_image,
    make_music, make_speech, make_video, probe, sample, video_frame,
};

const FORMATS: [(ImageFormat, MediaKind); 3] =
    [(ImageFormat::Png, MediaKind::Png), (ImageFormat::WebP, MediaKind::WebP), (ImageFormat::Jpeg, MediaKind::Jpeg)];

fn picture(prompt: &str, seed: u64, width: u32, height: u32, format: ImageFormat) -> Bytes {
    draw_image(prompt, seed, Picture { width, height, format }, &[]).expect("within limits").into()
}

fn pixels(file: &[u8]) -> image::RgbImage {
    image::load_from_memory(file).expect("a valid picture").into_rgb8()
}

/// Mean distance of two pictures of one size per channel, 0 to 255.
fn distance(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.len() as f64
}

/// A picture as a frame of a video shows it: scaled to fill, the middle kept.
fn filling(file: &[u8], width: u32, height: u32) -> Vec<u8> {
    image::load_from_memory(file)
        .expect("a valid picture")
        .resize_to_fill(width, height, image::imageops::Triangle)
        .into_rgb8()
        .into_raw()
}

fn video(mode: VideoMode, duration_ms: u64) -> Video {
    make_video(&spec(mode, duration_ms)).expect("a video")
}

fn spec(mode: VideoMode, duration_ms: u64) -> VideoSpec {
    VideoSpec {
        prompt: "a boat on the sea".to_owned(),
        seed: 3,
        width: 320,
        height: 180,
        duration_ms,
        mode,
        sound: false,
    }
}

fn frame(video: &Video, at_ms: u64) -> Frame {
    video_frame(&Bytes::from(video.bytes.clone()), at_ms, video.width, video.height).expect("a frame")
}

#[test]
fn pictures_have_the_asked_size_and_format_and_decode() {
    for (format, kind) in FORMATS {
        for (width, height) in [(64, 64), (320, 180), (181, 333), (16, 700)] {
            let file = picture("a city at night", 1, width, height, format);
            let info = probe(&file).expect("known");
            assert_eq!(info, MediaInfo { kind, width: Some(width), height: Some(height), duration_ms: None });
            assert_eq!(info.content_type(), format.content_type());
            assert_eq!(pixels(&file).dimensions(), (width, height));
        }
    }
}

#[test]
fn the_same_words_and_seed_draw_the_same_picture_and_others_do_not() {
    let mut seen = HashSet::new();
    for prompt in ["a city at night", "a city at night!", "flowers", "", "unheard-of words"] {
        for seed in 0..3 {
            let file = picture(prompt, seed, 96, 64, ImageFormat::Png);
            assert_eq!(file, picture(prompt, seed, 96, 64, ImageFormat::Png));
            assert!(seen.insert(file), "{prompt} {seed} looks like another");
        }
    }
}

#[test]
fn every_scene_has_contrast_and_colours() {
    let prompts = [
        "mountain", "sea", "desert", "aurora", "forest", "city", "flower", "planet", "portrait", "abstract", "pattern",
        "party",
    ];
    for prompt in prompts {
        for seed in 0..4 {
            let drawn = pixels(&picture(prompt, seed, 128, 96, ImageFormat::Png));
            let brightness: Vec<u8> =
                drawn.pixels().map(|p| (p.0.iter().map(|c| u16::from(*c)).sum::<u16>() / 3) as u8).collect();
            let (dark, light) = (brightness.iter().min().unwrap(), brightness.iter().max().unwrap());
            assert!(light - dark > 60, "{prompt} {seed}: brightness only from {dark} to {light}");
            let colours: HashSet<[u8; 3]> = drawn.pixels().map(|p| p.0.map(|c| c / 8)).collect();
            assert!(colours.len() > 8, "{prompt} {seed}: only {} colours", colours.len());
        }
    }
}

#[test]
fn large_pictures_are_drawn_and_too_large_ones_refused() {
    let file = picture("sea", 1, IMAGE_EDGE_MAX, 2304, ImageFormat::Jpeg);
    let info = probe(&file).expect("known");
    assert_eq!((info.width, info.height), (Some(IMAGE_EDGE_MAX), Some(2304)));
    for (width, height) in [(IMAGE_EDGE_MAX + 1, 100), (100, IMAGE_EDGE_MAX + 1), (0, 100), (100, 3)] {
        let refused = draw_image("sea", 1, Picture { width, height, format: ImageFormat::Png }, &[]);
        assert!(matches!(refused, Err(MediaError::Size { .. })), "{width}x{height}");
    }
}

#[test]
fn a_reference_is_seen_in_the_picture() {
    let target = Picture { width: 400, height: 300, format: ImageFormat::Png };
    for (format, _) in FORMATS {
        let reference = picture("portrait", 9, 400, 300, format);
        let plain = pixels(&draw_image("sea", 1, target, &[]).unwrap());
        let with = pixels(&draw_image("sea", 1, target, std::slice::from_ref(&reference)).unwrap());
        // The print has the picture's ratio and covers the middle; its inner half is looked at.
        let shown = image::imageops::crop_imm(&with, 100, 75, 200, 150).to_image();
        let scaled = filling(&reference, 278, 208);
        let scaled = image::RgbImage::from_raw(278, 208, scaled).unwrap();
        let expected = image::imageops::crop_imm(&scaled, 39, 29, 200, 150).to_image();
        let hidden = image::imageops::crop_imm(&plain, 100, 75, 200, 150).to_image();
        let (near, far) = (distance(&shown, &expected), distance(&hidden, &expected));
        assert!(near < 12.0 && near * 3.0 < far, "{format:?}: {near} from the reference, {far} without it");
        // Around it the scene of the prompt is still there.
        assert!(distance(&with.as_raw()[..400 * 3 * 20], &plain.as_raw()[..400 * 3 * 20]) < 1.0);
    }
}

#[test]
fn every_one_of_many_references_is_seen() {
    let colours = [[220, 30, 30], [30, 200, 40], [40, 60, 220], [230, 210, 30], [200, 40, 210], [30, 210, 210]];
    let references: Vec<Bytes> = colours
        .iter()
        .map(|colour| {
            let mut file = std::io::Cursor::new(Vec::new());
            image::RgbImage::from_pixel(60, 60, image::Rgb(*colour))
                .write_to(&mut file, image::ImageFormat::Png)
                .unwrap();
            file.into_inner().into()
        })
        .collect();
    for count in 1..=references.len() {
        let target = Picture { width: 320, height: 240, format: ImageFormat::Png };
        let drawn = pixels(&draw_image("silk", 1, target, &references[..count]).unwrap());
        for colour in &colours[..count] {
            let close = drawn.pixels().filter(|p| p.0.iter().zip(colour).all(|(a, b)| a.abs_diff(*b) < 6)).count();
            assert!(close > 700, "{colour:?} of {count}: only {close} pixels");
        }
    }
}

#[test]
fn unreadable_references_are_named() {
    let good = picture("sea", 1, 32, 32, ImageFormat::Png);
    let target = Picture { width: 64, height: 64, format: ImageFormat::Png };
    let refused = draw_image("sea", 1, target, &[good.clone(), Bytes::from_static(b"no picture")]);
    assert!(matches!(refused, Err(MediaError::Input { index: 1, .. })), "{refused:?}");
    let many = vec![good; INPUTS_MAX + 1];
    let refused = draw_image("sea", 1, target, &many);
    assert_eq!(refused, Err(MediaError::TooManyInputs { given: INPUTS_MAX + 1, max: INPUTS_MAX }));
}

#[test]
fn videos_have_the_asked_size_and_length_and_decode_to_the_end() {
    for (width, height, duration_ms) in
        [(320, 180, 1000), (180, 320, 2040), (97, 65, 500), (160, 160, 30), (160, 90, 5000)]
    {
        let made = make_video(&VideoSpec { width, height, ..spec(VideoMode::Text, duration_ms) }).expect("a video");
        let info = probe(&made.bytes).expect("known");
        let even = |edge: u32| Some(edge & !1);
        assert_eq!((info.kind, info.width, info.height), (MediaKind::Mp4, even(width), even(height)));
        let stated = info.duration_ms.expect("a length");
        let frame_ms = u64::from(1000 / VIDEO_FPS);
        assert!(stated.abs_diff(duration_ms) <= frame_ms, "{stated} ms stated, {duration_ms} ms asked");
        assert_eq!(made.duration_ms, duration_ms);
        assert!((u64::from(made.frames) * 1000 / u64::from(VIDEO_FPS)).abs_diff(duration_ms) <= frame_ms);
        let (first, last) = (frame(&made, 0), frame(&made, duration_ms));
        assert_eq!(first.rgb.len(), (made.width * made.height * 3) as usize);
        if duration_ms >= 1000 {
            assert!(distance(&first.rgb, &last.rgb) > 1.0, "nothing moves");
        }
    }
}

#[test]
fn sound_lasts_as_long_as_its_video_and_can_be_heard() {
    for duration_ms in [400, 2_040, 5_000] {
        let silent = spec(VideoMode::Text, duration_ms);
        let made = make_video(&VideoSpec { sound: true, ..silent.clone() }).expect("a video");
        assert_eq!(made, make_video(&VideoSpec { sound: true, ..silent.clone() }).expect("the same"));
        assert!(probe(&made.bytes).expect("known").duration_ms.expect("a length").abs_diff(duration_ms) <= 84);
        let samples = heard(&made.bytes);
        let seconds = samples.len() as f64 / f64::from(mintmark_media::limits::AUDIO_SAMPLE_RATE);
        assert!((seconds * 1e3 - duration_ms as f64).abs() < 1.0, "{seconds} s heard of {duration_ms} ms");
        assert!(samples.iter().any(|sample| sample.abs() > 0.05), "silence");
        // Only what is to have sound has any.
        assert!(!make_video(&silent).expect("a video").bytes.windows(4).any(|four| four == b"fLaC"));
    }
}

/// What an independent decoder makes of the sound of an MP4.
fn heard(file: &[u8]) -> Vec<f32> {
    use symphonia::core::codecs::CodecParameters;
    use symphonia::core::formats::TrackType;
    use symphonia::core::io::MediaSourceStream;
    let source = MediaSourceStream::new(Box::new(std::io::Cursor::new(file.to_vec())), Default::default());
    let probe = symphonia::default::get_probe();
    let format = probe.probe(&Default::default(), source, Default::default(), Default::default());
    let mut format = format.expect("read");
    let track = format.default_track(TrackType::Audio).expect("sound").clone();
    let Some(CodecParameters::Audio(parameters)) = &track.codec_params else { panic!("no sound") };
    let decoders = symphonia::default::get_codecs();
    let mut decoder = decoders.make_audio_decoder(parameters, &Default::default()).expect("a decoder");
    let (mut samples, mut decoded) = (Vec::new(), Vec::new());
    while let Some(packet) = format.next_packet().expect("whole") {
        if packet.track_id == track.id {
            decoder.decode(&packet).expect("sound").copy_to_vec_interleaved(&mut decoded);
            samples.append(&mut decoded);
        }
    }
    samples
}

#[test]
fn the_description_comes_before_the_frames() {
    let made = video(VideoMode::Text, 500);
    let place = |mark: &[u8]| made.bytes.windows(4).position(|four| four == mark).expect("there");
    assert!(place(b"ftyp") < place(b"moov") && place(b"moov") < place(b"mdat"));
}

#[test]
fn the_same_specification_gives_the_same_video() {
    let start = picture("portrait", 1, 200, 150, ImageFormat::Jpeg);
    for mode in [VideoMode::Text, VideoMode::Image { start }] {
        let spec = spec(mode, 1500);
        assert_eq!(make_video(&spec), make_video(&spec));
        assert_ne!(make_video(&spec), make_video(&VideoSpec { seed: 4, ..spec.clone() }));
        assert_ne!(make_video(&spec), make_video(&VideoSpec { prompt: "flowers".into(), ..spec }));
    }
}

#[test]
fn a_video_from_a_picture_starts_as_that_picture() {
    for (format, _) in FORMATS {
        let start = picture("portrait", 5, 300, 400, format);
        let made = video(VideoMode::Image { start: start.clone() }, 2000);
        let expected = filling(&start, made.width, made.height);
        let near = distance(&frame(&made, 0).rgb, &expected);
        assert!(near < 8.0, "{format:?}: first frame is {near} away");
    }
}

#[test]
fn a_video_between_two_pictures_starts_and_ends_as_they_are() {
    let (first, last) =
        (picture("portrait", 5, 320, 180, ImageFormat::Png), picture("forest", 2, 320, 180, ImageFormat::Png));
    let made = video(VideoMode::FirstLast { first: first.clone(), last: last.clone() }, 2000);
    let (first, last) = (filling(&first, 320, 180), filling(&last, 320, 180));
    let (begins, ends) = (frame(&made, 0).rgb, frame(&made, 2000).rgb);
    assert!(distance(&begins, &first) < 8.0 && distance(&ends, &last) < 8.0);
    assert!(distance(&begins, &last) > 20.0 && distance(&ends, &first) > 20.0);
}

#[test]
fn every_reference_of_a_video_is_shown_full_once() {
    let film = video(VideoMode::Text, 500);
    let inputs: Vec<Bytes> = vec![
        picture("portrait", 1, 320, 180, ImageFormat::Png),
        picture("forest", 1, 320, 180, ImageFormat::WebP),
        film.bytes.clone().into(),
    ];
    let made = video(VideoMode::References { inputs: inputs.clone() }, 4000);
    let mut expected: Vec<Vec<u8>> = inputs[..2].iter().map(|file| filling(file, 320, 180)).collect();
    expected.push(frame(&film, 0).rgb);
    for (i, picture) in expected.iter().enumerate() {
        let nearest = (0..made.frames)
            .map(|n| distance(&frame(&made, u64::from(n) * 1000 / u64::from(VIDEO_FPS)).rgb, picture))
            .fold(f64::MAX, f64::min);
        assert!(nearest < 12.0, "reference {i} is {nearest} away at best");
    }
    assert_eq!(make_video(&spec(VideoMode::References { inputs: vec![] }, 1000)), Err(MediaError::NoInput));
}

#[test]
fn an_extension_begins_with_its_source_and_goes_on() {
    let source = video(VideoMode::Image { start: picture("portrait", 1, 320, 180, ImageFormat::Png) }, 1500);
    let made = video(VideoMode::Extend { source: source.bytes.clone().into() }, 2000);
    assert_eq!(made.duration_ms, 3500);
    for at in [0, 500, 1000, 1400] {
        let near = distance(&frame(&made, at).rgb, &frame(&source, at).rgb);
        assert!(near < 5.0, "{near} away at {at} ms");
    }
    assert!(distance(&frame(&made, 3400).rgb, &frame(&source, 1400).rgb) > 15.0, "nothing was added");
}

#[test]
fn an_edit_shows_the_frames_of_its_source_in_other_colours() {
    let source = video(VideoMode::Image { start: picture("portrait", 1, 320, 180, ImageFormat::Png) }, 1500);
    let reference = picture("forest", 1, 100, 100, ImageFormat::Png);
    let mode = VideoMode::Edit { source: source.bytes.clone().into(), references: vec![reference] };
    // Longer than the source: it starts again.
    let made = video(mode, 2500);
    let correlation = |a: &Frame, b: &Frame| {
        let luma = |f: &Frame| {
            f.rgb
                .chunks(3)
                .map(|p| f64::from(p[0]) * 0.3 + f64::from(p[1]) * 0.59 + f64::from(p[2]) * 0.11)
                .collect::<Vec<_>>()
        };
        let (a, b) = (luma(a), luma(b));
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let (ma, mb) = (mean(&a), mean(&b));
        let cov: f64 = a.iter().zip(&b).map(|(x, y)| (x - ma) * (y - mb)).sum();
        let (va, vb): (f64, f64) = (a.iter().map(|x| (x - ma).powi(2)).sum(), b.iter().map(|y| (y - mb).powi(2)).sum());
        cov / (va * vb).sqrt()
    };
    for at in [0, 700, 1400, 2200] {
        let (edited, original) = (frame(&made, at), frame(&source, at % 1500));
        assert!(correlation(&edited, &original) > 0.7, "the source cannot be recognised at {at} ms");
        assert!(distance(&edited.rgb, &original.rgb) > 6.0, "nothing was edited at {at} ms");
    }
}

#[test]
fn motion_control_shows_the_character_over_the_source() {
    let source = video(VideoMode::Text, 1000);
    let mut red = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(50, 80, image::Rgb([230, 20, 20])).write_to(&mut red, image::ImageFormat::Png).unwrap();
    let made = video(VideoMode::Motion { character: red.into_inner().into(), source: source.bytes.into() }, 1500);
    for at in [0, 700, 1400] {
        let shown = frame(&made, at);
        let red = shown.rgb.chunks(3).filter(|p| p[0] > 180 && p[1] < 90 && p[2] < 90).count();
        assert!(red > 2_500, "only {red} pixels of the character at {at} ms");
    }
}

#[test]
fn videos_beyond_the_limits_or_with_unreadable_inputs_are_refused() {
    let refuse = |spec: VideoSpec| make_video(&spec).expect_err("refused");
    let base = spec(VideoMode::Text, 1000);
    assert!(matches!(refuse(VideoSpec { width: VIDEO_EDGE_MAX + 2, ..base.clone() }), MediaError::Size { .. }));
    assert!(matches!(refuse(VideoSpec { height: 2, ..base.clone() }), MediaError::Size { .. }));
    assert!(matches!(refuse(VideoSpec { duration_ms: 0, ..base.clone() }), MediaError::Length { .. }));
    let too_long = u64::from(VIDEO_SECONDS_MAX) * 1000 + 1;
    assert!(matches!(refuse(VideoSpec { duration_ms: too_long, ..base }), MediaError::Length { .. }));
    let (picture, junk) = (picture("sea", 1, 32, 32, ImageFormat::Png), Bytes::from_static(b"\0\0\0\x18ftypisom junk"));
    let index = |mode| match refuse(spec(mode, 1000)) {
        MediaError::Input { index, .. } => index,
        other => panic!("{other:?}"),
    };
    assert_eq!(index(VideoMode::Image { start: junk.clone() }), 0);
    assert_eq!(index(VideoMode::FirstLast { first: picture.clone(), last: junk.clone() }), 1);
    assert_eq!(index(VideoMode::Extend { source: picture.clone() }), 0);
    assert_eq!(index(VideoMode::Edit { source: junk.clone(), references: vec![] }), 0);
    assert_eq!(index(VideoMode::Motion { character: picture.clone(), source: junk.clone() }), 1);
    assert_eq!(index(VideoMode::References { inputs: vec![picture, junk] }), 1);
}

/// The samples of a WAV file, read by its own header.
fn samples(file: &[u8]) -> Vec<i16> {
    assert_eq!((&file[..4], &file[8..12], &file[36..40]), (&b"RIFF"[..], &b"WAVE"[..], &b"data"[..]));
    let stated = u32::from_le_bytes(file[40..44].try_into().unwrap()) as usize;
    assert_eq!(stated, file.len() - 44, "the stated size is not the size");
    file[44..].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect()
}

fn loudness(samples: &[i16]) -> f64 {
    (samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
}

#[test]
fn speech_lasts_as_long_as_its_text_is_audible_and_pauses_between_words() {
    let text = "Welcome to the quiet side of the town. Would you like to see it?";
    let audio = make_speech(text, "voice_abc123", 1).unwrap();
    let file = audio.to_vec();
    let info = probe(&file).expect("known");
    let expected = text.chars().count() as u64 * 1000 / 14;
    assert!(info.duration_ms.unwrap().abs_diff(expected) <= 2 && audio.duration_ms().abs_diff(expected) <= 2);
    assert_eq!((info.kind, audio.content_type(), audio.size_bytes()), (MediaKind::Wav, "audio/wav", file.len() as u64));
    let spoken = samples(&file);
    assert!(loudness(&spoken) > 1500.0, "too quiet: {}", loudness(&spoken));
    // The last half of the gap between "the" and "quiet", and the middle of "town".
    let slot = (AUDIO_SAMPLE_RATE / 14) as usize;
    let at = |index: usize| &spoken[index * slot + slot / 2..(index + 1) * slot];
    let (gap, vowel) = (text.find(" quiet").unwrap(), text.find("own").unwrap());
    assert!(loudness(at(gap)) * 4.0 < loudness(at(vowel)), "{} against {}", loudness(at(gap)), loudness(at(vowel)));
}

#[test]
fn voices_and_texts_differ_and_the_same_ones_do_not() {
    let say = |text: &str, voice: &str, seed| make_speech(text, voice, seed).unwrap().to_vec();
    assert_eq!(say("hello there", "a", 1), say("hello there", "a", 1));
    assert_ne!(say("hello there", "a", 1), say("hello there", "b", 1));
    assert_ne!(say("hello there", "a", 1), say("hello there", "a", 2));
    assert_ne!(say("hello there", "a", 1), say("jelly where", "a", 1));
    for text in ["", "…", "日本語のテキスト", "Привет, мир"] {
        assert!(!samples(&say(text, "a", 1)).is_empty(), "{text}");
    }
    assert!(loudness(&samples(&say("Привет, мир", "a", 1))) > 1000.0);
}

#[test]
fn the_longest_speech_is_made_piece_by_piece_and_longer_ones_refused() {
    let text = "a story ".repeat(SPEECH_CHARS_MAX / 8);
    let audio = make_speech(&text, "a", 1).unwrap();
    let (mut total, mut largest) = (0, 0);
    for chunk in audio.chunks() {
        total += chunk.len() as u64;
        largest = largest.max(chunk.len());
    }
    assert_eq!(total, audio.size_bytes());
    assert!(largest <= 32 * 1024 && total > 100_000_000);
    let refused = make_speech(&"a".repeat(SPEECH_CHARS_MAX + 1), "a", 1);
    assert!(matches!(refused, Err(MediaError::TextTooLong { .. })));
}

#[test]
fn music_has_exactly_the_asked_length_and_can_be_heard() {
    for (prompt, duration_ms) in [("happy upbeat", 8_000), ("calm night", 3_210), ("", 1), ("epic drums", 30_000)] {
        let audio = make_music(prompt, 1, duration_ms).unwrap();
        let file = audio.to_vec();
        assert_eq!(audio.duration_ms(), duration_ms);
        assert_eq!(samples(&file).len() as u64, (duration_ms * u64::from(AUDIO_SAMPLE_RATE) / 1000).max(1));
        if duration_ms > 1000 {
            assert_eq!(probe(&file).expect("known").duration_ms, Some(duration_ms));
            let (played, end) = (samples(&file), 100);
            assert!(loudness(&played) > 800.0, "{prompt}: {}", loudness(&played));
            assert!(played.iter().all(|s| s.unsigned_abs() < 32_000), "{prompt} is clipped");
            assert!(loudness(&played[played.len() - end..]) < 200.0, "{prompt} ends abruptly");
        }
        assert_eq!(file, make_music(prompt, 1, duration_ms).unwrap().to_vec());
    }
    let most = u64::from(MUSIC_SECONDS_MAX) * 1000;
    assert!(make_music("", 1, most).is_ok());
    assert!(matches!(make_music("", 1, most + 1), Err(MediaError::Length { .. })));
    assert!(matches!(make_music("", 1, 0), Err(MediaError::Length { .. })));
}

#[test]
fn samples_are_what_their_names_say() {
    let kind = |class, name: &str| {
        let sample = sample(class, name);
        let info = probe(&sample.bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(info.content_type(), sample.content_type, "{name}");
        info
    };
    assert_eq!(kind(MediaClass::Image, "photo.jpg").kind, MediaKind::Jpeg);
    assert_eq!(kind(MediaClass::Image, "bg-removed.png").kind, MediaKind::Png);
    assert_eq!(kind(MediaClass::Image, "image-6147.webp").kind, MediaKind::WebP);
    assert_eq!(kind(MediaClass::Image, "product").kind, MediaKind::Jpeg);
    let film = kind(MediaClass::Video, "source.mp4");
    assert_eq!((film.kind, film.width, film.duration_ms), (MediaKind::Mp4, Some(640), Some(5_000)));
    for name in ["interview.mp3", "audio.wav", "music-123.mp3", "sfx-123.mp3"] {
        let sound = kind(MediaClass::Audio, name);
        assert_eq!(sound.kind, MediaKind::Wav);
        assert!(sound.duration_ms.unwrap() > 3_000, "{name}");
    }
    assert_eq!(sample(MediaClass::Image, "photo.jpg"), sample(MediaClass::Image, "photo.jpg"));
    assert_ne!(sample(MediaClass::Image, "character.jpg"), sample(MediaClass::Image, "forest.jpg"));
}
