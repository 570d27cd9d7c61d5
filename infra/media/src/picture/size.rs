//! Sizes for ratios and named resolutions.

use crate::limits::{EDGE_MIN, IMAGE_EDGE_MAX, VIDEO_EDGE_MAX, VIDEO_SHORT_EDGE_DEFAULT};

/// Reads a ratio such as `16:9`, `16/9`, `16x9` or one of the words square, vertical, portrait,
/// horizontal, landscape, wide, tall.
pub fn parse_ratio(ratio: &str) -> Option<(u32, u32)> {
    let text = ratio.trim().to_ascii_lowercase();
    let named = match text.as_str() {
        "square" => (1, 1),
        "vertical" | "portrait" => (3, 4),
        "horizontal" | "landscape" => (4, 3),
        "wide" => (16, 9),
        "tall" => (9, 16),
        "ultrawide" => (21, 9),
        _ => {
            let (a, b) = text.split_once([':', '/', 'x'])?;
            (a.trim().parse().ok()?, b.trim().parse().ok()?)
        }
    };
    // Beyond 100:1 nobody means a picture.
    let sane = (1..=10_000).contains(&named.0)
        && (1..=10_000).contains(&named.1)
        && named.0 <= named.1 * 100
        && named.1 <= named.0 * 100;
    sane.then_some(named)
}

/// Width and height, both even, for a ratio and a resolution.
///
/// `resolution` is a named one, in any case: `512`, `1K`, `2K`, `4K` give the longest edge (512, 1024,
/// 2048, 4096 pixels); `480p`, `720p`, `1080p`, `1440p`, `2160p` give the shorter edge; a bare number
/// is the longest edge. `None` is 1K. Nothing exceeds [`IMAGE_EDGE_MAX`] or falls below [`EDGE_MIN`].
/// An unreadable ratio or resolution gives `None`.
pub fn size_for(aspect_ratio: &str, resolution: Option<&str>) -> Option<(u32, u32)> {
    let (a, b) = parse_ratio(aspect_ratio)?;
    let name = resolution.unwrap_or("1K").trim().to_ascii_lowercase();
    let (edge, is_long) = if let Some(lines) = name.strip_suffix('p') {
        (lines.parse::<u32>().ok()?, false)
    } else if let Some(thousands) = name.strip_suffix('k') {
        (thousands.parse::<u32>().ok()?.checked_mul(1024)?, true)
    } else {
        (name.parse::<u32>().ok()?, true)
    };
    if edge == 0 {
        return None;
    }
    let (long, short) = (f64::from(a.max(b)), f64::from(a.min(b)));
    let long_edge = if is_long { f64::from(edge) } else { f64::from(edge) * long / short };
    let long_edge = long_edge.min(f64::from(IMAGE_EDGE_MAX));
    let even = |edge: f64| ((edge / 2.0).round() as u32 * 2).clamp(EDGE_MIN, IMAGE_EDGE_MAX);
    let (long_px, short_px) = (even(long_edge), even(long_edge * short / long));
    Some(if a >= b { (long_px, short_px) } else { (short_px, long_px) })
}

/// Width and height, both even, of a video for a ratio and a resolution as in [`size_for`].
///
/// `None` as resolution gives a short edge of [`VIDEO_SHORT_EDGE_DEFAULT`]; no edge exceeds
/// [`VIDEO_EDGE_MAX`], so `4K` gives a smaller video of the same ratio.
pub fn video_size_for(aspect_ratio: &str, resolution: Option<&str>) -> Option<(u32, u32)> {
    let default = format!("{VIDEO_SHORT_EDGE_DEFAULT}p");
    let (width, height) = size_for(aspect_ratio, Some(resolution.unwrap_or(&default)))?;
    let long = width.max(height);
    if long <= VIDEO_EDGE_MAX {
        return Some((width, height));
    }
    let shrunk = |edge: u32| {
        let exact = u64::from(edge) * u64::from(VIDEO_EDGE_MAX) / u64::from(long);
        (exact as u32 & !1).max(EDGE_MIN)
    };
    Some((shrunk(width), shrunk(height)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_give_even_sizes_of_the_asked_edge() {
        assert_eq!(size_for("1:1", None), Some((1024, 1024)));
        assert_eq!(size_for("16:9", Some("1K")), Some((1024, 576)));
        assert_eq!(size_for("9:16", Some("2K")), Some((1152, 2048)));
        assert_eq!(size_for("16:9", Some("480p")), Some((854, 480)));
        assert_eq!(size_for("4:3", Some("4k")), Some((4096, 3072)));
        assert_eq!(size_for("tall", Some("720p")), Some((720, 1280)));
        assert_eq!(size_for("21:9", Some("2160p")), Some((4096, 1756)));
        assert_eq!(size_for("3:2", Some("300")), Some((300, 200)));
    }

    #[test]
    fn videos_are_small_by_default_and_never_too_large() {
        assert_eq!(video_size_for("16:9", None), Some((854, 480)));
        assert_eq!(video_size_for("1:1", None), Some((480, 480)));
        assert_eq!(video_size_for("9:16", Some("720p")), Some((720, 1280)));
        let (width, height) = video_size_for("16:9", Some("4K")).unwrap();
        assert_eq!(width, VIDEO_EDGE_MAX);
        assert!((f64::from(width) / f64::from(height) - 16.0 / 9.0).abs() < 0.02 && height % 2 == 0);
    }

    #[test]
    fn nonsense_gives_none() {
        for ratio in ["", "16", "0:1", "1:0", "a:b", "1:1000", "-1:2", "99999:99999"] {
            assert_eq!(size_for(ratio, None), None, "{ratio}");
        }
        assert_eq!(size_for("1:1", Some("big")), None);
        assert_eq!(size_for("1:1", Some("0")), None);
        assert_eq!(size_for("1:1", Some("99999999k")), None);
    }
}
