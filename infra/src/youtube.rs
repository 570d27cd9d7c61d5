//! Videos on YouTube: where their sound comes from, if anywhere.

use mintmark_domain::ports::InputError;
use url::{Host, Url};

/// Hosts whose addresses name videos on YouTube.
const HOSTS: [&str; 5] = ["youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com", "youtu.be"];

/// Where the sound of such a video comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum YoutubeSource {
    /// From nowhere: such addresses are refused.
    #[default]
    None,
    /// A built-in recording stands for every video: for the sandbox.
    Sample,
    /// From a downloader of the operator's: a service that answers `GET <url>?url=<address>` with the
    /// sound or the video.
    Downloader(Url),
}

/// Whether an address names a video on YouTube.
#[must_use]
pub fn is_youtube(url: &Url) -> bool {
    matches!(url.host(), Some(Host::Domain(host)) if HOSTS.contains(&host))
}

impl YoutubeSource {
    /// Whether there is one. Errors: [`InputError::Unsupported`].
    pub(crate) fn check(&self) -> Result<(), InputError> {
        match self {
            YoutubeSource::None => Err(InputError::Unsupported("no YouTube downloader is configured")),
            YoutubeSource::Sample | YoutubeSource::Downloader(_) => Ok(()),
        }
    }

    /// The address that the sound is fetched from; `None` where the built-in recording stands for it.
    pub(crate) fn address(&self, video: &Url) -> Result<Option<Url>, InputError> {
        self.check()?;
        Ok(match self {
            YoutubeSource::None | YoutubeSource::Sample => None,
            YoutubeSource::Downloader(service) => {
                let mut url = service.clone();
                url.query_pairs_mut().append_pair("url", video.as_str());
                Some(url)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_youtube_are() {
        let is = |url: &str| is_youtube(&url.parse().unwrap());
        assert!(
            is("https://www.youtube.com/watch?v=1") && is("https://youtu.be/1") && is("https://YouTube.com/shorts/1")
        );
        assert!(
            !is("https://youtube.com.evil.net/watch")
                && !is("https://example.com/?u=youtube.com")
                && !is("https://notyoutube.com/")
        );
    }

    #[test]
    fn without_a_source_they_are_refused_and_a_downloader_is_told_the_address() {
        let video: Url = "https://youtu.be/a?t=1".parse().unwrap();
        assert!(matches!(YoutubeSource::None.address(&video), Err(InputError::Unsupported(_))));
        assert_eq!(YoutubeSource::Sample.address(&video), Ok(None));
        let service = YoutubeSource::Downloader("http://127.0.0.1:9/get?key=1".parse().unwrap());
        let address = service.address(&video).unwrap().unwrap();
        assert_eq!(address.as_str(), "http://127.0.0.1:9/get?key=1&url=https%3A%2F%2Fyoutu.be%2Fa%3Ft%3D1");
    }
}
