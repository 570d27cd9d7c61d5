//! Extensions and media types of assets.

/// Every kind of file that is stored. The first extension of a media type is the one that
/// new files get.
const KINDS: &[(&str, &str)] = &[
    ("png", "image/png"),
    ("webp", "image/webp"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("avif", "image/avif"),
    ("svg", "image/svg+xml"),
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
    ("mov", "video/quicktime"),
    ("wav", "audio/wav"),
    ("mp3", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("ogg", "audio/ogg"),
    ("flac", "audio/flac"),
    ("txt", "text/plain; charset=utf-8"),
    ("json", "application/json"),
    ("srt", "application/x-subrip"),
    ("vtt", "text/vtt; charset=utf-8"),
];

/// For what is not in the list: a browser downloads it and never runs it.
const UNKNOWN: &str = "application/octet-stream";

/// The media type that an asset with this extension is served with.
#[must_use]
pub fn media_type(extension: &str) -> &'static str {
    KINDS.iter().find(|(known, _)| *known == extension).map_or(UNKNOWN, |(_, media_type)| media_type)
}

/// The extension for a media type, its parameters ignored; `None` for a kind that is not
/// stored.
#[must_use]
pub fn extension_for(media_type: &str) -> Option<&'static str> {
    let essence = |media_type: &str| media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let wanted = match essence(media_type).as_str() {
        "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => "audio/wav".to_owned(),
        "audio/mp3" => "audio/mpeg".to_owned(),
        "audio/x-m4a" => "audio/mp4".to_owned(),
        "image/jpg" => "image/jpeg".to_owned(),
        other => other.to_owned(),
    };
    KINDS.iter().find(|(_, known)| essence(known) == wanted).map(|(extension, _)| *extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_leads_there_and_back() {
        for (extension, kind) in KINDS {
            assert_eq!(media_type(extension), *kind);
            let back = extension_for(kind).unwrap();
            assert_eq!(media_type(back), *kind, "{extension}");
        }
        assert_eq!(extension_for("image/jpeg"), Some("jpg"));
        assert_eq!(extension_for("Audio/X-Wav; rate=8000"), Some("wav"));
    }

    #[test]
    fn what_is_unknown_is_downloaded_and_never_run() {
        assert_eq!(media_type("html"), "application/octet-stream");
        assert_eq!(extension_for("text/html"), None);
    }
}
