//! Chooses what a picture shows: by the words of the prompt where they say something, by hash otherwise.

use super::canvas::Canvas;
use super::palette::{Mood, Palette};
use super::{abstracts, made, nature};
use crate::seed::Root;

/// A kind of composition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    Mountains,
    Sea,
    Dunes,
    Aurora,
    Forest,
    City,
    Flowers,
    Planets,
    Portrait,
    Tiles,
    Ribbons,
    Lights,
}

const SCENES: [Scene; 12] = [
    Scene::Mountains,
    Scene::Sea,
    Scene::Dunes,
    Scene::Aurora,
    Scene::Forest,
    Scene::City,
    Scene::Flowers,
    Scene::Planets,
    Scene::Ribbons,
    Scene::Lights,
    Scene::Tiles,
    Scene::Mountains,
];

/// Beginnings of words and the scene they ask for; the first word of the prompt that matches wins.
const SUBJECTS: &[(&str, Scene)] = &[
    ("mountain", Scene::Mountains),
    ("alp", Scene::Mountains),
    ("valley", Scene::Mountains),
    ("hill", Scene::Mountains),
    ("lake", Scene::Mountains),
    ("landscape", Scene::Mountains),
    ("sea", Scene::Sea),
    ("ocean", Scene::Sea),
    ("beach", Scene::Sea),
    ("boat", Scene::Sea),
    ("ship", Scene::Sea),
    ("sail", Scene::Sea),
    ("island", Scene::Sea),
    ("harbo", Scene::Sea),
    ("wave", Scene::Sea),
    ("desert", Scene::Dunes),
    ("dune", Scene::Dunes),
    ("sand", Scene::Dunes),
    ("aurora", Scene::Aurora),
    ("northern", Scene::Aurora),
    ("arctic", Scene::Aurora),
    ("forest", Scene::Forest),
    ("tree", Scene::Forest),
    ("wood", Scene::Forest),
    ("jungle", Scene::Forest),
    ("fox", Scene::Forest),
    ("city", Scene::City),
    ("skyline", Scene::City),
    ("street", Scene::City),
    ("town", Scene::City),
    ("cyberpunk", Scene::City),
    ("neon", Scene::City),
    ("tokyo", Scene::City),
    ("flower", Scene::Flowers),
    ("garden", Scene::Flowers),
    ("spring", Scene::Flowers),
    ("rose", Scene::Flowers),
    ("plant", Scene::Flowers),
    ("perfume", Scene::Flowers),
    ("space", Scene::Planets),
    ("planet", Scene::Planets),
    ("galax", Scene::Planets),
    ("astronaut", Scene::Planets),
    ("robot", Scene::Planets),
    ("rocket", Scene::Planets),
    ("moon", Scene::Planets),
    ("portrait", Scene::Portrait),
    ("girl", Scene::Portrait),
    ("woman", Scene::Portrait),
    ("man", Scene::Portrait),
    ("boy", Scene::Portrait),
    ("person", Scene::Portrait),
    ("model", Scene::Portrait),
    ("character", Scene::Portrait),
    ("selfie", Scene::Portrait),
    ("influencer", Scene::Portrait),
    ("abstract", Scene::Ribbons),
    ("silk", Scene::Ribbons),
    ("liquid", Scene::Ribbons),
    ("pattern", Scene::Tiles),
    ("geometr", Scene::Tiles),
    ("logo", Scene::Tiles),
    ("poster", Scene::Tiles),
    ("party", Scene::Lights),
    ("bokeh", Scene::Lights),
    ("christmas", Scene::Lights),
    ("celebrat", Scene::Lights),
];

/// Beginnings of words and the colours they ask for.
const MOODS: &[(&str, Mood)] = &[
    ("night", Mood::Night),
    ("midnight", Mood::Night),
    ("dark", Mood::Night),
    ("moon", Mood::Night),
    ("neon", Mood::Night),
    ("sunset", Mood::Warm),
    ("sunrise", Mood::Warm),
    ("golden", Mood::Warm),
    ("warm", Mood::Warm),
    ("fire", Mood::Warm),
    ("autumn", Mood::Warm),
    ("desert", Mood::Warm),
    ("red", Mood::Warm),
    ("winter", Mood::Cool),
    ("ice", Mood::Cool),
    ("snow", Mood::Cool),
    ("ocean", Mood::Cool),
    ("blue", Mood::Cool),
    ("rain", Mood::Cool),
    ("storm", Mood::Cool),
    ("forest", Mood::Fresh),
    ("jungle", Mood::Fresh),
    ("green", Mood::Fresh),
    ("spring", Mood::Fresh),
    ("garden", Mood::Fresh),
    ("dream", Mood::Dreamy),
    ("pink", Mood::Dreamy),
    ("purple", Mood::Dreamy),
    ("fantasy", Mood::Dreamy),
    ("magic", Mood::Dreamy),
];

/// Draws the scene of a prompt; `None` only for a size of zero.
pub(super) fn draw(prompt: &str, root: &Root, width: u32, height: u32) -> Option<(Canvas, Palette)> {
    // A prompt may be long; what it shows is said early.
    let words: Vec<String> = prompt
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(200)
        .map(str::to_lowercase)
        .collect();
    let mut choose = root.stream("scene");
    let scene = find(&words, SUBJECTS).unwrap_or_else(|| *choose.pick(&SCENES));
    let mood = find(&words, MOODS).unwrap_or(match scene {
        // Skies of a free mood come out green too easily; nobody likes a green sea at noon.
        Scene::Sea => *choose.pick(&[Mood::Cool, Mood::Warm, Mood::Dreamy, Mood::Night]),
        Scene::Dunes => *choose.pick(&[Mood::Warm, Mood::Warm, Mood::Dreamy]),
        Scene::City => *choose.pick(&[Mood::Night, Mood::Dreamy, Mood::Warm, Mood::Cool]),
        _ => Mood::Free,
    });
    let palette = Palette::draw(mood, &mut root.stream("palette"));
    let mut rng = root.stream("shapes");
    let mut canvas = Canvas::new(width, height)?;
    let (c, p) = (&mut canvas, &palette);
    match scene {
        Scene::Mountains => nature::mountains(c, p, &mut rng),
        Scene::Sea => nature::sea(c, p, &mut rng),
        Scene::Dunes => nature::dunes(c, p, &mut rng),
        Scene::Aurora => nature::aurora(c, p, &mut rng),
        Scene::Forest => nature::forest(c, p, &mut rng),
        Scene::City => made::city(c, p, &mut rng),
        Scene::Flowers => made::flowers(c, p, &mut rng),
        Scene::Planets => made::planets(c, p, &mut rng),
        Scene::Portrait => made::portrait(c, p, &mut rng),
        Scene::Tiles => abstracts::tiles(c, p, &mut rng),
        Scene::Ribbons => abstracts::ribbons(c, p, &mut rng),
        Scene::Lights => abstracts::lights(c, p, &mut rng),
    }
    if scene != Scene::Tiles {
        canvas.vignette(0.16);
    }
    Some((canvas, palette))
}

/// What the first matching word of the prompt asks for. Short keys match whole words (and plurals)
/// only, so that "manual" shows no man and "season" no sea.
fn find<T: Copy>(words: &[String], table: &[(&str, T)]) -> Option<T> {
    words.iter().find_map(|word| {
        table
            .iter()
            .find(|(key, _)| {
                if key.len() <= 4 { word == key || word.strip_suffix('s') == Some(*key) } else { word.starts_with(key) }
            })
            .map(|(_, value)| *value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_first_word_that_says_something_decides() {
        assert_eq!(find(&words("a sunset over mountains"), SUBJECTS), Some(Scene::Mountains));
        assert_eq!(find(&words("boats before mountains"), SUBJECTS), Some(Scene::Sea));
        assert_eq!(find(&words("the manual of a season"), SUBJECTS), None);
    }
}
