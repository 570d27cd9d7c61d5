//! What an upload is called, and what it may be declared as.

use mintmark_domain::ports::UploadError;

use crate::assets::{extension_for, media_type};

/// The longest filename, in Unicode scalars.
const FILENAME_CHARS_MAX: usize = 255;
/// The longest media type, in bytes.
const CONTENT_TYPE_BYTES_MAX: usize = 100;
/// The longest extension that is kept.
const EXTENSION_BYTES_MAX: usize = 10;
/// The extension of what has none.
const NO_EXTENSION: &str = "bin";

/// The extension of a filename, in lower case.
pub(super) fn extension(filename: &str) -> Result<String, UploadError> {
    let chars = filename.chars().count();
    if filename.trim().is_empty() || chars > FILENAME_CHARS_MAX || filename.chars().any(char::is_control) {
        return Err(UploadError::BadFilename);
    }
    let name = filename.rsplit(['/', '\\']).next().unwrap_or_default();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    let fits = (1..=EXTENSION_BYTES_MAX).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    Ok(if fits { extension } else { NO_EXTENSION.to_owned() })
}

/// A media type in one form: type and parameters in lower case, without needless spaces.
pub(super) fn content_type(said: &str) -> Result<String, UploadError> {
    let token = |text: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
        !text.is_empty() && text.bytes().all(allowed)
    };
    let printable = said.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    let parts: Vec<String> = said.split(';').map(|part| part.trim().to_ascii_lowercase()).collect();
    let named = parts[0].split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype));
    if printable && named && said.len() <= CONTENT_TYPE_BYTES_MAX {
        Ok(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; "))
    } else {
        Err(UploadError::BadContentType)
    }
}

/// What an upload is served with: its declared type where that is a kind of file that we know, else one
/// that a browser downloads and never runs.
pub(super) fn served_as(declared: &str) -> &'static str {
    media_type(extension_for(declared).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_extension_is_kept_of_a_name() {
        for (name, kept) in [
            ("reference.png", "png"),
            ("Photo.JPEG", "jpeg"),
            ("a.tar.gz", "gz"),
            ("no-extension", "bin"),
            ("../../etc/passwd", "bin"),
            ("x.p-g", "bin"),
            ("x.verylongextension", "bin"),
            (".png", "png"),
            ("ü.mp4", "mp4"),
        ] {
            assert_eq!(extension(name).as_deref(), Ok(kept), "{name}");
        }
        for bad in ["", "  ", "a\nb.png", &"x".repeat(256)] {
            assert_eq!(extension(bad), Err(UploadError::BadFilename));
        }
    }

    #[test]
    fn a_media_type_has_one_form_and_what_is_unknown_is_never_run() {
        assert_eq!(content_type("Image/PNG").as_deref(), Ok("image/png"));
        assert_eq!(content_type("text/plain ;Charset=UTF-8").as_deref(), Ok("text/plain; charset=utf-8"));
        for bad in ["", "png", "image/", "/png", "image/p ng", "image/png\r\nx: y", &format!("a/{}", "x".repeat(100))] {
            assert_eq!(content_type(bad), Err(UploadError::BadContentType), "{bad}");
        }
        assert_eq!(served_as("image/png"), "image/png");
        for unknown in ["text/html", "application/javascript", "application/xhtml+xml"] {
            assert_eq!(served_as(unknown), "application/octet-stream", "{unknown}");
        }
    }
}
