//! Where the catalog's texts come from: built in, or an operator's files put over them.

use std::borrow::Cow;

/// One text of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path below the catalog's folder, with `/` (`models/image.toml`).
    pub path: String,
    /// What it says.
    pub text: Cow<'static, str>,
}

/// Every text of the catalog, in the order in which lists show what they hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    files: Vec<SourceFile>,
}

macro_rules! embedded {
    ($($path:literal),* $(,)?) => {
        vec![$(SourceFile {
            path: $path.to_owned(),
            text: Cow::Borrowed(include_str!(concat!("../../../catalog/", $path))),
        }),*]
    };
}

impl Sources {
    /// What is built into the binary.
    #[must_use]
    pub fn embedded() -> Self {
        Sources {
            files: embedded![
                "models/image.toml",
                "models/video.toml",
                "models/sound.toml",
                "models/tools.toml",
                "models/text.toml",
                "models/image-more.toml",
                "models/video-more.toml",
                "models/tools-more.toml",
                "price-books/2026-01.toml",
                "generators/image.toml",
                "generators/video.toml",
                "generators/vision.toml",
                "generators/joke.toml",
                "generators/poem.toml",
                "generators/recipe.toml",
                "generators/story.toml",
                "generators/speech.toml",
                "generators/logo.toml",
                "generators/quiz.toml",
                "generators/loop.toml",
                "generators/vector.toml",
                "generators/music.toml",
                "generators/soundeffect.toml",
                "generators/upscale.toml",
                "generators/cutout.toml",
                "workflows/storyboard.toml",
                "workflows/hook_pack.toml",
                "workflows/ugc_ad.toml",
                "workflows/creative_pack.toml",
                "workflows/product_ad_variants.toml",
                "voices.toml",
                "routes.toml",
                "aliases.lock",
            ],
        }
    }

    /// Puts a text over the one of the same path, or adds it after all others.
    #[must_use]
    pub fn with(mut self, path: impl Into<String>, text: impl Into<Cow<'static, str>>) -> Self {
        let file = SourceFile { path: path.into(), text: text.into() };
        match self.files.iter_mut().find(|known| known.path == file.path) {
            Some(known) => *known = file,
            None => self.files.push(file),
        }
        self
    }

    /// Every text.
    pub fn files(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter()
    }
}
