//! Names of assets.

use std::fmt;
use std::str::FromStr;

use object_store::path::Path;
use uuid::Uuid;

use super::media_type;

/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 300;

/// The name of an asset: segments of `[A-Za-z0-9._-]`, none of which begins with a dot, the
/// last with an extension. By that form alone it cannot leave the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssetKey(String);

/// A text that is not the name of an asset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not the name of an asset")]
pub struct AssetKeyError;

impl AssetKey {
    /// A public creation: `users/{id}/img/image-{n}.{ext}`, both public integers.
    ///
    /// # Errors
    /// [`AssetKeyError`] for an extension that is none.
    pub fn creation(user: u64, number: u64, extension: &str) -> Result<Self, AssetKeyError> {
        format!("users/{user}/img/image-{number}.{extension}").parse()
    }

    /// An output of a run's attempt: `runs/{run}/{attempt}/{index}.{ext}`. Found again by
    /// these alone, after a crash too.
    ///
    /// # Errors
    /// [`AssetKeyError`] for an extension that is none.
    pub fn output(run: Uuid, attempt: u32, index: u32, extension: &str) -> Result<Self, AssetKeyError> {
        format!("runs/{}/{attempt}/{index}.{extension}", run.simple()).parse()
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its extension, in lower case.
    #[must_use]
    pub fn extension(&self) -> &str {
        self.0.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// The media type that it is served with.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        media_type(self.extension())
    }

    pub(super) fn path(&self) -> Path {
        Path::from(self.0.as_str())
    }
}

impl FromStr for AssetKey {
    type Err = AssetKeyError;

    fn from_str(text: &str) -> Result<Self, AssetKeyError> {
        let character = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let segment = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(character);
        let (_, name) = text.rsplit_once('/').ok_or(AssetKeyError)?;
        let (stem, extension) = name.rsplit_once('.').ok_or(AssetKeyError)?;
        let lower = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
        let named = !stem.is_empty() && !extension.is_empty() && extension.bytes().all(lower);
        if text.len() <= KEY_BYTES_MAX && named && text.split('/').all(segment) {
            Ok(Self(text.to_owned()))
        } else {
            Err(AssetKeyError)
        }
    }
}

impl fmt::Display for AssetKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_documented_form() {
        assert_eq!(AssetKey::creation(7, 42, "png").unwrap().as_str(), "users/7/img/image-42.png");
        let output = AssetKey::output(Uuid::from_u128(0xab), 1, 2, "mp4").unwrap();
        assert_eq!(output.as_str(), "runs/000000000000000000000000000000ab/1/2.mp4");
        assert_eq!((output.extension(), output.media_type()), ("mp4", "video/mp4"));
    }

    #[test]
    fn nothing_that_could_leave_the_store_is_a_key() {
        for text in [
            "",
            "a.png",
            "/a/b.png",
            "a//b.png",
            "../b.png",
            "a/../b.png",
            "a/./b.png",
            "a/..",
            "a/b",
            "a/b.",
            "a/.b",
            "a/.b.png",
            ".a/b.png",
            "a/b.png/",
            "a\\b/c.png",
            "a/b c.png",
            "a/b%2e.png",
            "a/%2e%2e/b.png",
            "a/b\0.png",
            "a/ü.png",
            "a/b.PNG",
            "a/b.p-g",
            "c:/b.png",
            "a/b.png?x",
            "a/b#1.png",
            "~/b.png",
        ] {
            assert!(text.parse::<AssetKey>().is_err(), "{text}");
        }
        assert!(AssetKey::creation(1, 1, "../x").is_err());
        assert!(AssetKey::creation(1, 1, "").is_err());
        assert!(format!("a/{}.png", "b".repeat(300)).parse::<AssetKey>().is_err());
    }
}
