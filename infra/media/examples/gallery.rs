//! Writes some of everything into a folder, to be looked at and listened to:
//! `cargo run -p mintmark-media --example gallery -- FOLDER`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use mintmark_media::{
    FieldKind, FieldSpec, ImageFormat, Picture, TextSpec, VideoMode, VideoSpec, draw_image, make_fields, make_music,
    make_speech, make_text, make_video,
};

const PROMPTS: [&str; 12] = [
    "A sunset over mountains",
    "a boat on the calm sea",
    "dunes in the desert",
    "aurora over a winter wood",
    "a fox in the forest",
    "a city at night",
    "flowers in a garden",
    "a robot on another planet",
    "portrait of a young woman",
    "abstract silk",
    "geometric poster",
    "party lights",
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name the folder to write into")?);
    std::fs::create_dir_all(&folder)?;
    let pictures = pictures(&folder)?;
    videos(&folder, &pictures)?;
    sounds(&folder)?;
    texts(&folder)
}

/// Writes a file and says how long it took to make.
fn keep(folder: &Path, name: &str, since: Instant, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    println!("{name}: {} bytes in {} ms", bytes.len(), since.elapsed().as_millis());
    Ok(std::fs::write(folder.join(name), bytes)?)
}

fn pictures(folder: &Path) -> Result<Vec<Bytes>, Box<dyn Error>> {
    let mut made = Vec::new();
    for (i, prompt) in PROMPTS.into_iter().enumerate() {
        for (seed, (width, height)) in [(1024, 1024), (1280, 720), (720, 1280)].into_iter().enumerate() {
            let since = Instant::now();
            let picture = Picture { width, height, format: ImageFormat::Png };
            let bytes = draw_image(prompt, seed as u64, picture, &[])?;
            keep(folder, &format!("picture-{i:02}-{seed}.png"), since, &bytes)?;
            made.push(Bytes::from(bytes));
        }
    }
    for count in [1, 2, 5] {
        let since = Instant::now();
        let picture = Picture { width: 1024, height: 768, format: ImageFormat::WebP };
        let bytes = draw_image(
            "abstract silk",
            count as u64,
            picture,
            &made[..count * 3].iter().step_by(3).cloned().collect::<Vec<_>>(),
        )?;
        keep(folder, &format!("references-{count}.webp"), since, &bytes)?;
    }
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Jpeg] {
        let since = Instant::now();
        let bytes = draw_image("a sunset over mountains", 4, Picture { width: 4096, height: 4096, format }, &[])?;
        keep(folder, &format!("large.{}", format.extension()), since, &bytes)?;
    }
    Ok(made)
}

fn videos(folder: &Path, pictures: &[Bytes]) -> Result<(), Box<dyn Error>> {
    let make = |name: &str, duration_ms, mode| -> Result<Bytes, Box<dyn Error>> {
        let since = Instant::now();
        let prompt = "a boat on the sea at sunset".to_owned();
        let made =
            make_video(&VideoSpec { prompt, seed: 1, width: 854, height: 480, duration_ms, mode, sound: false })?;
        keep(folder, &format!("video-{name}.mp4"), since, &made.bytes)?;
        Ok(made.bytes.into())
    };
    let source = make("text", 8_000, VideoMode::Text)?;
    let (a, b) = (pictures[0].clone(), pictures[24].clone());
    make("image", 5_000, VideoMode::Image { start: a.clone() })?;
    make("references", 6_000, VideoMode::References { inputs: vec![a.clone(), b.clone(), source.clone()] })?;
    make("first-last", 5_000, VideoMode::FirstLast { first: a.clone(), last: b.clone() })?;
    make("edit", 5_000, VideoMode::Edit { source: source.clone(), references: vec![a, b.clone()] })?;
    make("extend", 5_000, VideoMode::Extend { source: source.clone() })?;
    make("motion", 5_000, VideoMode::Motion { character: b, source })?;
    Ok(())
}

fn sounds(folder: &Path) -> Result<(), Box<dyn Error>> {
    for voice in ["Rachel", "Adam"] {
        let since = Instant::now();
        let speech = make_speech("Introducing the new creative workflow. Is it any good? Listen to this!", voice, 1)?;
        keep(folder, &format!("speech-{voice}.wav"), since, &speech.to_vec())?;
    }
    for prompt in ["happy upbeat", "calm night", "epic drums"] {
        let since = Instant::now();
        keep(
            folder,
            &format!("music-{}.wav", prompt.replace(' ', "-")),
            since,
            &make_music(prompt, 1, 30_000)?.to_vec(),
        )?;
    }
    Ok(())
}

fn texts(folder: &Path) -> Result<(), Box<dyn Error>> {
    let since = Instant::now();
    let mut out = String::new();
    for (form, prompt) in [
        ("joke", "Tell me a joke about programming"),
        ("poem", "the old lighthouse"),
        ("recipe", "vegan lasagne"),
        ("story", "a dragon who is afraid of fire"),
        ("vision", "What is in this picture?"),
        ("slogan", "running shoes"),
        ("essay", "why cats sleep so much"),
    ] {
        for language in ["en", "de"] {
            let spec = TextSpec { prompt, seed: 1, language, form };
            out += &format!("== {form} ({language}): {prompt}\n{}\n\n", make_text(spec));
        }
        let fields = [
            FieldSpec::new("title", FieldKind::Text).max_chars(60),
            FieldSpec::new("text", FieldKind::LongText).max_chars(400),
            FieldSpec::new("illustration_desc", FieldKind::Text),
            FieldSpec::new("ingredients", FieldKind::List { min: 4, max: 8 }),
            FieldSpec::new("steps", FieldKind::List { min: 4, max: 8 }),
            FieldSpec::new("tags", FieldKind::List { min: 3, max: 5 }),
            FieldSpec::new("minutes", FieldKind::Number { min: 10, max: 90 }),
        ];
        let made = make_fields(TextSpec { prompt, seed: 1, language: "auto", form }, &fields);
        out += &format!("{}\n\n", serde_json::to_string_pretty(&made)?);
    }
    keep(folder, "texts.txt", since, out.as_bytes())
}
