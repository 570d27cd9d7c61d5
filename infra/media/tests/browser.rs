//! The videos play in Debian's Chromium.

use bytes::Bytes;
use mintmark_media::{ImageFormat, Picture, VideoMode, VideoSpec, draw_image, make_video};
use mintmark_testkit::browser::Page;

/// Plays the video to its end, then jumps to its middle; says what happened, as one line of `name=value`
/// pairs.
const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><title>video</title>
<body><video id="v" playsinline preload="auto"></video><script>
const v = document.getElementById('v'), times = new Set();
var said;
const say = (state, seeked) => said = `state=${state} width=${v.videoWidth} height=${v.videoHeight}`
  + ` duration=${v.duration} advanced=${times.size} frames=${v.getVideoPlaybackQuality().totalVideoFrames}`
  + ` heard=${v.webkitAudioDecodedByteCount} error=${v.error ? v.error.code : 'none'} seeked=${seeked ?? 'none'}`;
v.addEventListener('timeupdate', () => times.add(v.currentTime));
v.addEventListener('error', () => say('error'));
v.addEventListener('ended', () => {
  v.addEventListener('seeked', () => say('ended', v.currentTime), {once: true});
  v.currentTime = v.duration / 2;
}, {once: true});
v.src = 'video.mp4';
v.play().catch(() => {});
</script></body>"#;

/// What the page says of a video after it was played.
async fn play(video: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("video.mp4"), video).expect("written");
    std::fs::write(folder.path().join("page.html"), PAGE).expect("written");
    let address = format!("file://{}", folder.path().join("page.html").display());
    let mut page = Page::open_with(&address, &["--mute-audio", "--autoplay-policy=no-user-gesture-required"]).await;
    page.until("a result", "typeof said === 'string'").await;
    page.value("said").await.as_str().expect("a text").to_owned()
}

fn value(line: &str, name: &str) -> f64 {
    let found = line.split(' ').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    found.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no {name} in: {line}"))
}

/// Makes a video, plays it and checks all that the page saw.
async fn plays(mode: VideoMode, width: u32, height: u32, duration_ms: u64, sound: bool) {
    let spec = VideoSpec { prompt: "a calm sea".to_owned(), seed: 1, width, height, duration_ms, mode, sound };
    let made = make_video(&spec).expect("a video");
    let line = play(&made.bytes).await;
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

#[tokio::test]
async fn chromium_plays_a_drawn_video_to_its_end() {
    plays(VideoMode::Text, 854, 480, 3_000, false).await;
}

#[tokio::test]
async fn chromium_plays_a_video_with_its_sound() {
    plays(VideoMode::Text, 320, 180, 2_500, true).await;
}

#[tokio::test]
async fn chromium_plays_an_upright_video_between_two_pictures_to_its_end() {
    let picture = |prompt| {
        let outer = Picture { width: 300, height: 300, format: ImageFormat::Jpeg };
        Bytes::from(draw_image(prompt, 1, outer, &[]).expect("a picture"))
    };
    plays(VideoMode::FirstLast { first: picture("portrait"), last: picture("forest") }, 360, 640, 2_500, false).await;
}

#[tokio::test]
async fn chromium_says_so_when_it_cannot_play() {
    // Shows that the tests above can fail.
    let line = play(b"\0\0\0\x18ftypisom\0\0\0\0isommp41 nothing follows").await;
    assert!(line.contains("state=error") && !line.contains("error=none"), "{line}");
}
