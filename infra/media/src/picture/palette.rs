//! Harmonious colours: a lightness ramp and accents, laid out in OKLCH, where equal steps look equal.

use tiny_skia::Color;

use crate::seed::Rng;

/// The colours of one picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    /// Hue of the dark end in degrees.
    hue: f32,
    /// How far the hue turns from the dark end to the light end, in degrees.
    turn: f32,
    /// How colourful the ramp is.
    chroma: f32,
    /// How far the accents stand from the ramp, in degrees.
    accent: f32,
    /// True for a picture of the night.
    pub(super) night: bool,
}

/// What a word of the prompt says about colours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Mood {
    /// Reds and golds.
    Warm,
    /// Blues and greens.
    Cool,
    /// Greens.
    Fresh,
    /// Violets and pinks.
    Dreamy,
    /// Dark.
    Night,
    /// Anything.
    Free,
}

impl Palette {
    /// Draws a palette that fits a mood.
    pub(super) fn draw(mood: Mood, rng: &mut Rng) -> Self {
        // Each entry is a ramp that was looked at and liked: dark hue, turn towards the light.
        const LIKED: [(f32, f32); 14] = [
            (282.0, 108.0),  // violet dusk to apricot
            (262.0, 130.0),  // indigo to peach
            (300.0, 80.0),   // plum to coral
            (258.0, -38.0),  // navy to sky
            (232.0, -50.0),  // petrol to mint
            (200.0, -90.0),  // teal to sand
            (160.0, -62.0),  // fir to cream
            (140.0, -42.0),  // moss to lime
            (20.0, 62.0),    // wine to gold
            (345.0, 78.0),   // burgundy to apricot
            (320.0, 46.0),   // aubergine to rose
            (270.0, 56.0),   // blue-violet to pink
            (32.0, 50.0),    // rust to straw
            (245.0, -150.0), // blue hour to lemon
        ];
        let choice: &[usize] = match mood {
            Mood::Warm => &[0, 1, 2, 8, 9, 12],
            Mood::Cool => &[3, 4, 5, 13, 3, 4],
            Mood::Fresh => &[5, 6, 7, 6, 7, 4],
            Mood::Dreamy => &[0, 2, 10, 11, 10, 11],
            Mood::Night => &[3, 0, 1, 11, 4, 2],
            Mood::Free => &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13],
        };
        let (hue, turn) = LIKED[*rng.pick(choice)];
        Self {
            hue: hue + rng.range(-9.0, 9.0),
            turn: turn * rng.range(0.85, 1.12),
            chroma: rng.range(0.95, 1.2),
            accent: *rng.pick(&[150.0, 180.0, 205.0, 120.0]),
            night: mood == Mood::Night || (mood == Mood::Free && rng.chance(0.22)),
        }
    }

    /// The same palette with all hues turned.
    pub(super) fn turned(&self, degrees: f32) -> Self {
        Self { hue: self.hue + degrees, ..*self }
    }

    /// The same palette without the night.
    pub(super) fn by_day(&self) -> Self {
        Self { night: false, ..*self }
    }

    /// The ramp: 0 is the darkest and deepest, 1 the lightest and airiest.
    pub(super) fn ramp(&self, t: f32) -> Color {
        let t = t.clamp(0.0, 1.0);
        let bow = (t * std::f32::consts::PI).sin();
        let lightness = 0.17 + 0.78 * t.powf(0.92);
        let chroma = (0.045 + 0.10 * bow) * self.chroma;
        oklch(lightness, chroma, self.hue + self.turn * t)
    }

    /// The `n`-th accent, `lightness` in 0..1.
    pub(super) fn accent(&self, n: usize, lightness: f32) -> Color {
        let turned = self.hue + self.turn * 0.6 + self.accent + 34.0 * n as f32;
        oklch(lightness, 0.135 * self.chroma, turned)
    }

    /// The colour of what shines: sun by day, moon by night.
    pub(super) fn shine(&self) -> Color {
        if self.night { oklch(0.95, 0.025, 95.0) } else { oklch(0.95, 0.075, 82.0 + self.turn.clamp(-20.0, 6.0)) }
    }

    /// Nearly white, tinted.
    pub(super) fn paper(&self) -> Color {
        oklch(0.955, 0.018, self.hue + self.turn)
    }
}

/// The same colour with another opacity.
pub(super) fn with_alpha(color: Color, alpha: f32) -> Color {
    let mut color = color;
    color.set_alpha(alpha.clamp(0.0, 1.0));
    color
}

/// A colour between two.
pub(super) fn mix(a: Color, b: Color, t: f32) -> Color {
    let t = t.clamp(0.0, 1.0);
    let lerp = |a: f32, b: f32| (a + (b - a) * t).clamp(0.0, 1.0);
    Color::from_rgba(
        lerp(a.red(), b.red()),
        lerp(a.green(), b.green()),
        lerp(a.blue(), b.blue()),
        lerp(a.alpha(), b.alpha()),
    )
    .unwrap_or(a)
}

/// OKLCH to sRGB; what lies outside of sRGB loses chroma until it fits, so that no hue tips over.
pub(super) fn oklch(lightness: f32, chroma: f32, hue_degrees: f32) -> Color {
    let hue = hue_degrees.to_radians();
    let mut chroma = chroma;
    for _ in 0..12 {
        let rgb = oklab_to_srgb(lightness, chroma * hue.cos(), chroma * hue.sin());
        if rgb.iter().all(|c| (-0.002..=1.002).contains(c)) {
            return clamped(rgb);
        }
        chroma *= 0.88;
    }
    clamped(oklab_to_srgb(lightness, 0.0, 0.0))
}

fn clamped(rgb: [f32; 3]) -> Color {
    let [r, g, b] = rgb.map(|c| c.clamp(0.0, 1.0));
    Color::from_rgba(r, g, b, 1.0).unwrap_or(Color::BLACK)
}

/// Björn Ottosson's OKLab matrices.
fn oklab_to_srgb(lightness: f32, a: f32, b: f32) -> [f32; 3] {
    let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    let linear = [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_4 * s,
        -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ];
    linear.map(|c| if c <= 0.003_130_8 { 12.92 * c } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Root;

    #[test]
    fn ramps_grow_lighter_all_the_way() {
        let mut rng = Root::new("ramp", 0).stream("palette");
        for _ in 0..50 {
            let palette = Palette::draw(Mood::Free, &mut rng);
            let luma = |c: Color| 0.299 * c.red() + 0.587 * c.green() + 0.114 * c.blue();
            let steps: Vec<f32> = (0..=10).map(|i| luma(palette.ramp(i as f32 / 10.0))).collect();
            assert!(steps.windows(2).all(|w| w[1] > w[0]), "{steps:?}");
        }
    }

    #[test]
    fn white_and_black_are_themselves() {
        assert_eq!(oklch(1.0, 0.0, 0.0).to_color_u8(), tiny_skia::ColorU8::from_rgba(255, 255, 255, 255));
        assert_eq!(oklch(0.0, 0.0, 0.0).to_color_u8(), tiny_skia::ColorU8::from_rgba(0, 0, 0, 255));
    }
}
