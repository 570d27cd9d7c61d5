//! The videos play in Debian's Chromium.
//!
//! Needs the package `chromium` (the Makefile's setup installs it); another place of the program is
//! named by the environment variable `CHROMIUM`.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mintmark_media::{ImageFormat, Picture, VideoMode, VideoSpec, draw_image, make_video};

/// Plays the video to its end, then jumps to its middle; says what happened on the console, as one
/// line of `name=value` pairs.
const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><title>video</title>
<body><video id="v" playsinline preload="auto"></video><script>
const v = document.getElementById('v'), times = new Set();
const say = (state, seeked) => console.log(`RESULT state=${state} width=${v.videoWidth} height=${v.videoHeight}`
  + ` duration=${v.duration} advanced=${times.size} frames=${v.getVideoPlaybackQuality().totalVideoFrames}`
  + ` heard=${v.webkitAudioDecodedByteCount} error=${v.error ? v.error.code : 'none'} seeked=${seeked ?? 'none'} OVER`);
v.addEventListener('timeupdate', () => times.add(v.currentTime));
v.addEventListener('error', () => say('error'));
v.addEventListener('ended', () => {
  v.addEventListener('seeked', () => say('ended', v.currentTime), {once: true});
  v.currentTime = v.duration / 2;
}, {once: true});
v.src = 'video.mp4';
v.play().catch(() => {});
</script></body>"#;

/// How long the browser may take in all; a busy machine needs most of it for the start.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running browser with the folder that it works in. Both end with the test, however it ends.
struct Browser {
    process: Child,
    folder: PathBuf,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // Its helper processes end a moment later, and may still write into the profile.
        let until = Instant::now() + Duration::from_secs(5);
        while std::fs::remove_dir_all(&self.folder).is_err() && self.folder.exists() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn chromium() -> PathBuf {
    let path = std::env::var_os("CHROMIUM").map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from);
    assert!(
        path.exists(),
        "{} is missing. Install it with `apt-get install chromium` (`make test` does so as root), or name another \
         Chromium in the environment variable CHROMIUM.",
        path.display()
    );
    path
}

/// What the page says of a video after it was played.
fn play(video: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder").keep();
    std::fs::write(folder.join("video.mp4"), video).expect("written");
    std::fs::write(folder.join("page.html"), PAGE).expect("written");
    let mut process = Command::new(chromium())
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--disable-dev-shm-usage", "--mute-audio", "--autoplay-policy=no-user-gesture-required"])
        .arg("--enable-logging=stderr")
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("file://{}", folder.join("page.html").display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Chromium starts");
    let log = process.stderr.take().expect("its log");
    let _browser = Browser { process, folder };
    let (until, lines, mut seen) = (Instant::now() + PATIENCE, follow(log), String::new());
    while let Ok(line) = lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
        if let Some((_, said)) = line.split_once("RESULT ") {
            return said.split_once(" OVER").map_or(said, |(said, _)| said).to_owned();
        }
        seen.push_str(&line);
        seen.push('\n');
    }
    panic!("Chromium ended or took too long without a result. It said:\n{seen}");
}

/// The lines of a log as they come; a thread reads them, so that waiting can end.
fn follow(log: ChildStderr) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn value(line: &str, name: &str) -> f64 {
    let found = line.split(' ').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    found.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no {name} in: {line}"))
}

/// Makes a video, plays it and checks all that the page saw.
fn plays(mode: VideoMode, width: u32, height: u32, duration_ms: u64, sound: bool) {
    let spec = VideoSpec { prompt: "a calm sea".to_owned(), seed: 1, width, height, duration_ms, mode, sound };
    let made = make_video(&spec).expect("a video");
    let line = play(&made.bytes);
    assert!(line.contains("state=ended") && line.contains("error=none"), "{line}");
    assert!((value(&line, "width") - f64::from(width)).abs() < 0.5, "{line}");
    assert!((value(&line, "height") - f64::from(height)).abs() < 0.5, "{line}");
    let seconds = duration_ms as f64 / 1000.0;
    assert!((value(&line, "duration") - seconds).abs() < 1.0 / 12.0, "{line}");
    assert!(value(&line, "advanced") >= 3.0, "time did not advance: {line}");
    assert!(value(&line, "frames") >= f64::from(made.frames) / 2.0, "hardly a frame was shown: {line}");
    assert_eq!(value(&line, "heard") > 0.0, sound, "{line}");
    assert!((value(&line, "seeked") - seconds / 2.0).abs() < 0.1, "{line}");
}

#[test]
fn chromium_plays_a_drawn_video_to_its_end() {
    plays(VideoMode::Text, 854, 480, 3_000, false);
}

#[test]
fn chromium_plays_a_video_with_its_sound() {
    plays(VideoMode::Text, 320, 180, 2_500, true);
}

#[test]
fn chromium_plays_an_upright_video_between_two_pictures_to_its_end() {
    let picture = |prompt| {
        let outer = Picture { width: 300, height: 300, format: ImageFormat::Jpeg };
        Bytes::from(draw_image(prompt, 1, outer, &[]).expect("a picture"))
    };
    plays(VideoMode::FirstLast { first: picture("portrait"), last: picture("forest") }, 360, 640, 2_500, false);
}

#[test]
fn chromium_says_so_when_it_cannot_play() {
    // Shows that the tests above can fail.
    let line = play(b"\0\0\0\x18ftypisom\0\0\0\0isommp41 nothing follows");
    assert!(line.contains("state=error") && !line.contains("error=none"), "{line}");
}
