//! Vector drawings: SVG text made from a prompt, of shapes alone.

use std::fmt::Write as _;

use quick_xml::Reader;
use quick_xml::events::Event;
use tiny_skia::Color;

use super::palette::{Mood, Palette};
use crate::seed::{Rng, Root};

/// How many characters of the prompt its title shows.
const TITLE_CHARS_MAX: usize = 80;
/// The longest side of a drawing that is believed, in pixels.
const SIDE_MAX: f64 = 100_000.0;

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Motif {
    Landscape,
    Flower,
    Badge,
    Tiles,
    Waves,
}

/// The size in pixels at which a vector drawing asks to be shown: its `width` and `height`, else those of its
/// `viewBox`. `None` where it says neither (a share of what is around it is none), or is no drawing.
pub fn svg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut reader = Reader::from_reader(bytes);
    let root = loop {
        match reader.read_event().ok()? {
            Event::Start(element) | Event::Empty(element) => break element,
            Event::Eof => return None,
            _ => {}
        }
    };
    if root.local_name().as_ref() != b"svg" {
        return None;
    }
    let said = |name: &str| {
        let attribute = root.try_get_attribute(name).ok()??;
        Some(std::str::from_utf8(&attribute.value).ok()?.trim().to_owned())
    };
    let pixels = |text: &str| {
        let number: f64 = text.strip_suffix("px").unwrap_or(text).trim().parse().ok()?;
        (1.0..=SIDE_MAX).contains(&number).then_some(number.round() as u32)
    };
    let side = |name: &str| said(name).and_then(|text| pixels(&text));
    side("width").zip(side("height")).or_else(|| {
        let view = said("viewBox")?;
        let mut parts = view.split([' ', ',', '\n', '\t']).filter(|part| !part.is_empty()).skip(2);
        Some((pixels(parts.next()?)?, pixels(parts.next()?)?))
    })
}

/// Draws a vector picture from a prompt and a seed: SVG 1.1 of plain shapes, without scripts, styles,
/// links or anything that is loaded. The same arguments give the same text.
///
/// `ratio` is width and height in any unit; the drawing is 512 units on its shorter edge.
pub fn draw_svg(prompt: &str, seed: u64, ratio: (u32, u32)) -> String {
    let root = Root::new(prompt, seed);
    let mut rng = root.stream("vector");
    let (a, b) = (f64::from(ratio.0.max(1)), f64::from(ratio.1.max(1)));
    let unit = 512.0 / a.min(b);
    let (width, height) = ((a * unit).clamp(64.0, 8_192.0).round(), (b * unit).clamp(64.0, 8_192.0).round());
    let words = prompt.to_lowercase();
    let says = |any: &[&str]| any.iter().any(|word| words.contains(word));
    let motif = if says(&["pattern", "tile", "wallpaper", "texture"]) {
        Motif::Tiles
    } else if says(&["icon", "logo", "badge", "emblem", "letter", "monogram"]) {
        Motif::Badge
    } else if says(&["flower", "plant", "garden", "leaf", "rose", "star"]) {
        Motif::Flower
    } else if says(&["sea", "wave", "water", "ocean", "river", "music"]) {
        Motif::Waves
    } else if says(&["mountain", "landscape", "hill", "sun", "forest", "valley", "lake"]) {
        Motif::Landscape
    } else {
        *rng.pick(&[Motif::Landscape, Motif::Flower, Motif::Badge, Motif::Waves])
    };
    let palette = Palette::draw(Mood::Free, &mut rng).by_day();
    let mut drawing = Drawing { out: String::new(), width, height, palette, rng };
    let _ = write!(
        drawing.out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"><title>{}</title>"#,
        escaped(prompt)
    );
    let paper = hex(drawing.palette.paper());
    drawing.shape(&format!(r#"<rect width="{width}" height="{height}" fill="{paper}"/>"#));
    match motif {
        Motif::Landscape => drawing.landscape(),
        Motif::Flower => drawing.flower(),
        Motif::Badge => drawing.badge(prompt),
        Motif::Tiles => drawing.tiles(),
        Motif::Waves => drawing.waves(),
    }
    drawing.out.push_str("</svg>");
    drawing.out
}

/// Text as it may stand in XML: what has a meaning there is escaped, control characters are left out.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{FFFE}' | '\u{FFFF}')).take(TITLE_CHARS_MAX) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn hex(colour: Color) -> String {
    let colour = colour.to_color_u8();
    format!("#{:02x}{:02x}{:02x}", colour.red(), colour.green(), colour.blue())
}

struct Drawing {
    out: String,
    width: f64,
    height: f64,
    palette: Palette,
    rng: Rng,
}

impl Drawing {
    fn shape(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * f64::from(self.rng.unit())
    }

    /// A sun over hills, the nearer the darker.
    fn landscape(&mut self) {
        let (w, h) = (self.width, self.height);
        let sky = hex(self.palette.ramp(0.85));
        self.shape(&format!(r#"<rect width="{w}" height="{h}" fill="{sky}"/>"#));
        let (x, y, r) = (self.range(0.25, 0.75) * w, self.range(0.2, 0.4) * h, self.range(0.08, 0.14) * w.min(h));
        let shine = hex(self.palette.accent(0, 0.8));
        self.shape(&format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="{r:.1}" fill="{shine}"/>"#));
        for layer in 0..4u8 {
            let near = f64::from(layer) / 3.0;
            let base = h * (0.5 + 0.14 * f64::from(layer));
            let mut path = format!("M0 {h}L0 {base:.1}");
            for point in 1..=6u8 {
                let up = self.range(0.02, 0.22 - 0.03 * f64::from(layer)) * h;
                let peak = if point % 2 == 1 { base - up } else { base };
                let _ = write!(path, "L{:.1} {peak:.1}", w * f64::from(point) / 6.0);
            }
            let fill = hex(self.palette.ramp((0.6 - 0.5 * near) as f32));
            self.shape(&format!(r#"<path d="{path}L{w} {h}Z" fill="{fill}"/>"#));
        }
    }

    /// Petals around a middle.
    fn flower(&mut self) {
        let (w, h) = (self.width, self.height);
        let (cx, cy, r) = (w / 2.0, h / 2.0, w.min(h) * 0.32);
        let rings = 2 + self.rng.below(2);
        for ring in 0..rings {
            let (petals, reach) = (self.rng.between(6, 11), r * (1.0 - 0.34 * ring as f64));
            let fill = hex(self.palette.accent(ring, 0.55 + 0.12 * ring as f32));
            let breadth = reach * self.range(0.2, 0.34);
            for petal in 0..petals {
                let turn = 360.0 * petal as f64 / petals as f64 + 14.0 * ring as f64;
                self.shape(&format!(
                    r#"<ellipse cx="{cx:.1}" cy="{:.1}" rx="{breadth:.1}" ry="{:.1}" fill="{fill}" fill-opacity="0.85" transform="rotate({turn:.1} {cx:.1} {cy:.1})"/>"#,
                    cy - reach * 0.6,
                    reach * 0.5
                ));
            }
        }
        let middle = hex(self.palette.ramp(0.2));
        self.shape(&format!(r#"<circle cx="{cx:.1}" cy="{cy:.1}" r="{:.1}" fill="{middle}"/>"#, r * 0.2));
    }

    /// A shape with the initials of the prompt.
    fn badge(&mut self, prompt: &str) {
        let (w, h) = (self.width, self.height);
        let (cx, cy, r) = (w / 2.0, h / 2.0, w.min(h) * 0.36);
        let (outer, inner) = (hex(self.palette.ramp(0.22)), hex(self.palette.accent(0, 0.72)));
        let sides = self.rng.between(5, 8);
        let corner = |radius: f64, n: usize| {
            let turn = std::f64::consts::TAU * n as f64 / sides as f64 - std::f64::consts::FRAC_PI_2;
            format!("{:.1},{:.1}", cx + radius * turn.cos(), cy + radius * turn.sin())
        };
        for (radius, fill) in [(r, &outer), (r * 0.84, &inner), (r * 0.76, &outer)] {
            let points: Vec<String> = (0..sides).map(|n| corner(radius, n)).collect();
            self.shape(&format!(r#"<polygon points="{}" fill="{fill}"/>"#, points.join(" ")));
        }
        let initials: String = prompt
            .split_whitespace()
            .filter_map(|word| word.chars().find(char::is_ascii_alphanumeric))
            .take(2)
            .map(|c| c.to_ascii_uppercase())
            .collect();
        self.shape(&format!(
            r#"<text x="{cx:.1}" y="{cy:.1}" fill="{inner}" font-family="sans-serif" font-weight="700" font-size="{:.1}" text-anchor="middle" dominant-baseline="central">{initials}</text>"#,
            r * 0.7
        ));
    }

    /// Quarter circles and squares that meet at their edges.
    fn tiles(&mut self) {
        let size = 64.0;
        let (columns, rows) = ((self.width / size).ceil() as usize, (self.height / size).ceil() as usize);
        // A pattern repeats: what stands in one cell of four stands in all.
        let cells: Vec<(usize, usize)> = (0..16).map(|_| (self.rng.below(4), self.rng.below(5))).collect();
        for row in 0..rows {
            for column in 0..columns {
                let (turn, tint) = cells[(row % 4) * 4 + column % 4];
                let (x, y) = (column as f64 * size, row as f64 * size);
                let fill = hex(self.palette.ramp(0.15 + 0.16 * tint as f32));
                let quarter = turn * 90;
                self.shape(&format!(
                    r#"<path d="M{x} {y}h{size}a{size} {size} 0 0 1 -{size} {size}Z" fill="{fill}" transform="rotate({quarter} {:.1} {:.1})"/>"#,
                    x + size / 2.0,
                    y + size / 2.0
                ));
            }
        }
    }

    /// Rows of waves.
    fn waves(&mut self) {
        let (w, h) = (self.width, self.height);
        let rows = 6u8;
        for row in 0..rows {
            let y = h * (0.25 + 0.75 * f64::from(row) / f64::from(rows));
            let (swing, length) = (self.range(0.02, 0.05) * h, w / f64::from(3 + row % 3));
            let shift = self.range(0.0, 1.0) * length;
            let mut path = format!("M{:.1} {y:.1}", -shift);
            let mut x = -shift;
            while x < w {
                let _ = write!(path, "q{:.1} {:.1} {:.1} 0t{:.1} 0", length / 4.0, -swing, length / 2.0, length / 2.0);
                x += length;
            }
            let fill = hex(self.palette.ramp(0.75 - 0.1 * f32::from(row)));
            self.shape(&format!(r#"<path d="{path}V{h}H{:.1}Z" fill="{fill}" fill-opacity="0.9"/>"#, -shift));
        }
    }
}
