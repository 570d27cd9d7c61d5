//! Where a creation's file stands in storage: `users/{user}/{medium}/{name}-{number}.{extension}`, as
//! Generor's document prints it (`users/42/img/image-12345.png`). The same key for the same output,
//! however often it is stored.

use crate::catalog::MediaType;

fn name(media_type: MediaType) -> &'static str {
    match media_type {
        MediaType::Text => "text",
        MediaType::Img => "image",
        MediaType::Video => "video",
        MediaType::Audio => "audio",
        MediaType::Svg => "vector",
    }
}

/// The key of a creation's file. `extension` without its dot.
#[must_use]
pub fn asset_key(user_id: u64, media_type: MediaType, number: u64, extension: &str) -> String {
    format!("users/{user_id}/{media_type}/{}-{number}.{extension}", name(media_type))
}

/// The creation whose file a key names; `None` for any other key.
#[must_use]
pub fn creation_of_asset(key: &str) -> Option<u64> {
    let mut parts = key.split('/');
    let (users, user, medium, file) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let media_type = MediaType::ALL.into_iter().find(|known| known.as_str() == medium)?;
    let number = file.split_once('.')?.0.strip_prefix(name(media_type))?.strip_prefix('-')?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (users == "users" && plain(user) && plain(number) && parts.next().is_none()).then(|| number.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_as_the_document_prints_it_and_leads_back() {
        let key = asset_key(42, MediaType::Img, 12345, "png");
        assert_eq!(key, "users/42/img/image-12345.png");
        assert_eq!(creation_of_asset(&key), Some(12345));
        for bad in [
            "users/42/img/image-.png",
            "users/42/img/video-1.png",
            "runs/1/img/image-1.png",
            "users/42/img/image-1.png/x",
            "users/4a/img/image-1.png",
        ] {
            assert_eq!(creation_of_asset(bad), None, "{bad}");
        }
    }
}
