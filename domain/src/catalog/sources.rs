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
                "generators/haiku.toml",
                "generators/riddle.toml",
                "generators/fun-fact.toml",
                "generators/horoscope.toml",
                "generators/fortune-cookie.toml",
                "generators/dream.toml",
                "generators/quote.toml",
                "generators/love-letter.toml",
                "generators/wedding-speech.toml",
                "generators/birthday.toml",
                "generators/apology.toml",
                "generators/thank-you.toml",
                "generators/lyrics.toml",
                "generators/bedtime-story.toml",
                "generators/myth.toml",
                "generators/plot-twist.toml",
                "generators/character.toml",
                "generators/world.toml",
                "generators/fantasy-name.toml",
                "generators/quest.toml",
                "generators/dialogue.toml",
                "generators/screenplay.toml",
                "generators/slogan.toml",
                "generators/product-description.toml",
                "generators/post.toml",
                "generators/caption.toml",
                "generators/hashtags.toml",
                "generators/business-name.toml",
                "generators/press-release.toml",
                "generators/ad-copy.toml",
                "generators/seo.toml",
                "generators/youtube.toml",
                "generators/podcast.toml",
                "generators/email.toml",
                "generators/blog-outline.toml",
                "generators/blog-post.toml",
                "generators/faq.toml",
                "generators/cover-letter.toml",
                "generators/resume.toml",
                "generators/interview.toml",
                "generators/agenda.toml",
                "generators/user-story.toml",
                "generators/bug-report.toml",
                "generators/commit-message.toml",
                "generators/regex.toml",
                "generators/sql.toml",
                "generators/lesson-plan.toml",
                "generators/flashcards.toml",
                "generators/explain.toml",
                "generators/pros-and-cons.toml",
                "generators/summary.toml",
                "generators/rewrite.toml",
                "generators/translation.toml",
                "generators/grammar.toml",
                "generators/workout.toml",
                "generators/meal-plan.toml",
                "generators/cocktail.toml",
                "generators/gift-ideas.toml",
                "generators/itinerary.toml",
                "generators/avatar.toml",
                "generators/wallpaper.toml",
                "generators/sticker.toml",
                "generators/app-icon.toml",
                "generators/pixel-art.toml",
                "generators/tattoo.toml",
                "generators/poster.toml",
                "generators/album-cover.toml",
                "generators/book-cover.toml",
                "generators/colouring-page.toml",
                "generators/comic.toml",
                "generators/product-photo.toml",
                "generators/interior.toml",
                "generators/creature.toml",
                "generators/restyle.toml",
                "generators/music-clip.toml",
                "generators/product-clip.toml",
                "generators/drone-shot.toml",
                "generators/timelapse.toml",
                "generators/animate.toml",
                "generators/larger-video.toml",
                "generators/jingle.toml",
                "generators/lullaby.toml",
                "generators/ambience.toml",
                "generators/narration.toml",
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
