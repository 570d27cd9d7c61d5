//! A small drawing vocabulary over tiny-skia: gradients, glows, soft discs, polygons and curves.
//!
//! All drawing functions ignore shapes that degenerate (no area, not finite): a picture then lacks
//! a detail, and nothing panics.

use tiny_skia::{
    Color, FillRule, GradientStop, LineCap, LineJoin, LinearGradient, Paint, Path, PathBuilder, Pixmap, Point, Rect,
    Shader, SpreadMode, Stroke, Transform,
};

use super::palette::mix;

/// What a shape is filled with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fill {
    /// One colour.
    Flat(Color),
    /// From the first colour at height `y0` to the second at height `y1`.
    Vertical(Color, Color, f32, f32),
    /// From the first colour at point `.2` to the second at point `.3`.
    Linear(Color, Color, (f32, f32), (f32, f32)),
}

/// The surface of one picture.
pub(super) struct Canvas {
    pixmap: Pixmap,
    /// Width in pixels.
    pub(super) w: f32,
    /// Height in pixels.
    pub(super) h: f32,
    /// The shorter edge, in which sizes of things are measured.
    pub(super) unit: f32,
}

impl Canvas {
    /// A black canvas; `None` only for a size of zero or beyond memory.
    pub(super) fn new(width: u32, height: u32) -> Option<Self> {
        let mut pixmap = Pixmap::new(width, height)?;
        pixmap.fill(Color::BLACK);
        let (w, h) = (width as f32, height as f32);
        Some(Self { pixmap, w, h, unit: w.min(h) })
    }

    /// The finished surface.
    pub(super) fn into_pixmap(self) -> Pixmap {
        self.pixmap
    }

    /// Fills everything with a gradient from top (`stops` at 0) to bottom (at 1), turned by `tilt` degrees.
    ///
    /// Own loop instead of a shader: it is several times faster for full surfaces. It does not dither:
    /// that would treble the size of the files, and no band was seen without.
    pub(super) fn backdrop(&mut self, stops: &[(f32, Color)], tilt: f32) {
        let table: Vec<[f32; 3]> = (0..=1024).map(|i| ramp_at(stops, i as f32 / 1024.0)).collect();
        let (sin, cos) = tilt.to_radians().sin_cos();
        let span = (self.h * cos.abs() + self.w * sin.abs()).max(1.0);
        let width = self.pixmap.width() as usize;
        let (center_x, center_y) = (self.w / 2.0, self.h / 2.0);
        for (y, row) in self.pixmap.data_mut().chunks_exact_mut(width * 4).enumerate() {
            let down = (y as f32 + 0.5 - center_y) * cos / span + 0.5;
            for (x, pixel) in row.chunks_exact_mut(4).enumerate() {
                let t = down + (x as f32 + 0.5 - center_x) * sin / span;
                let color = table[(t.clamp(0.0, 1.0) * 1024.0) as usize];
                for (channel, value) in pixel.iter_mut().zip(color) {
                    *channel = (value + 0.5) as u8;
                }
            }
        }
    }

    /// A disc of light that fades out towards its rim; `stretch` makes it wider than high.
    pub(super) fn glow(&mut self, center: (f32, f32), radius: f32, stretch: f32, color: Color, alpha: f32) {
        self.fade(center, radius, stretch, color, alpha, false);
    }

    /// Like [`Self::glow`], but adds light as a lamp does.
    pub(super) fn light(&mut self, center: (f32, f32), radius: f32, stretch: f32, color: Color, alpha: f32) {
        self.fade(center, radius, stretch, color, alpha, true);
    }

    /// Blends a bell of light into a round area; own loop for the same reasons as [`Self::backdrop`].
    fn fade(&mut self, center: (f32, f32), radius: f32, stretch: f32, color: Color, alpha: f32, screen: bool) {
        let radius = radius.max(0.1);
        let reach = radius * stretch;
        let (from_x, to_x) = clip(center.0 - reach, center.0 + reach, self.w);
        let (from_y, to_y) = clip(center.1 - radius, center.1 + radius, self.h);
        // Indexed by the square of the distance: no root per pixel.
        let table: Vec<f32> = (0..=256).map(|i| alpha * bell((i as f32 / 256.0).sqrt())).collect();
        let tint = [color.red(), color.green(), color.blue()].map(|c| c * 255.0);
        let width = self.pixmap.width() as usize;
        let data = self.pixmap.data_mut();
        for y in from_y..to_y {
            let dy = (y as f32 + 0.5 - center.1) / radius;
            let row = &mut data[(y * width + from_x) * 4..(y * width + to_x) * 4];
            for (i, pixel) in row.chunks_exact_mut(4).enumerate() {
                let dx = ((from_x + i) as f32 + 0.5 - center.0) / reach;
                let square = dx * dx + dy * dy;
                if square >= 1.0 {
                    continue;
                }
                let share = table[(square * 256.0) as usize];
                for (channel, tint) in pixel.iter_mut().zip(tint) {
                    let old = f32::from(*channel);
                    let target = if screen { 255.0 - (255.0 - old) * (255.0 - tint) / 255.0 } else { tint };
                    *channel = (old + (target - old) * share + 0.5) as u8;
                }
            }
        }
    }

    /// A soft-edged upright strip of light: colours with opacity at heights, downwards.
    pub(super) fn beam(&mut self, x: f32, breadth: f32, stops: &[(f32, Color)]) {
        let (from_x, to_x) = clip(x, x + breadth, self.w);
        let width = self.pixmap.width() as usize;
        for pair in stops.windows(2) {
            let ((top, a), (low, b)) = (pair[0], pair[1]);
            let (from_y, to_y) = clip(top.round(), low.round(), self.h);
            for y in from_y..to_y {
                let color = mix(a, b, (y as f32 + 0.5 - top) / (low - top).max(1.0));
                let tint = [color.red(), color.green(), color.blue()].map(|c| c * 255.0);
                let row = &mut self.pixmap.data_mut()[(y * width + from_x) * 4..(y * width + to_x) * 4];
                for pixel in row.chunks_exact_mut(4) {
                    for (channel, tint) in pixel.iter_mut().zip(tint) {
                        let old = f32::from(*channel);
                        *channel = (old + (tint - old) * color.alpha() + 0.5) as u8;
                    }
                }
            }
        }
    }

    /// Darkens the corners a little.
    pub(super) fn vignette(&mut self, strength: f32) {
        let width = self.pixmap.width() as usize;
        let (half_w, half_h) = (self.w / 2.0, self.h / 2.0);
        for (y, row) in self.pixmap.data_mut().chunks_exact_mut(width * 4).enumerate() {
            let dy = (y as f32 + 0.5 - half_h) / half_h;
            for (x, pixel) in row.chunks_exact_mut(4).enumerate() {
                let dx = (x as f32 + 0.5 - half_w) / half_w;
                let far = ((dx * dx + dy * dy) * 0.5 - 0.3).max(0.0) / 0.7;
                let keep = 1.0 - strength * far;
                for channel in &mut pixel[..3] {
                    *channel = (f32::from(*channel) * keep + 0.5) as u8;
                }
            }
        }
    }

    /// A disc.
    pub(super) fn disc(&mut self, center: (f32, f32), radius: f32, fill: Fill) {
        if let Some(path) = PathBuilder::from_circle(center.0, center.1, radius) {
            self.path(&path, fill);
        }
    }

    /// A ring with a given breadth of its line.
    pub(super) fn ring(&mut self, center: (f32, f32), radius: f32, breadth: f32, color: Color) {
        if let Some(path) = PathBuilder::from_circle(center.0, center.1, radius) {
            self.stroke(&path, breadth, color);
        }
    }

    /// An axis-parallel rectangle.
    pub(super) fn rect(&mut self, x: f32, y: f32, w: f32, h: f32, fill: Fill) {
        if let Some(rect) = Rect::from_xywh(x, y, w, h) {
            self.path(&PathBuilder::from_rect(rect), fill);
        }
    }

    /// A rectangle (left, top, width, height) with rounded corners, turned by `degrees` around its middle.
    pub(super) fn card(&mut self, place: (f32, f32, f32, f32), radius: f32, degrees: f32, fill: Fill) {
        let (x, y, w, h) = place;
        if let Some(path) = rounded(x, y, w, h, radius) {
            let paint = paint(fill);
            let turn = Transform::from_rotate_at(degrees, x + w / 2.0, y + h / 2.0);
            self.pixmap.fill_path(&path, &paint, FillRule::Winding, turn, None);
        }
    }

    /// A closed polygon.
    pub(super) fn polygon(&mut self, points: &[(f32, f32)], fill: Fill) {
        let mut builder = PathBuilder::new();
        for (i, (x, y)) in points.iter().enumerate() {
            if i == 0 {
                builder.move_to(*x, *y);
            } else {
                builder.line_to(*x, *y);
            }
        }
        builder.close();
        if let Some(path) = builder.finish() {
            self.path(&path, fill);
        }
    }

    /// A polygon given by its upper edge, filled down to the bottom of the canvas.
    pub(super) fn ground(&mut self, edge: &[(f32, f32)], fill: Fill) {
        let mut points = edge.to_vec();
        points.push((self.w + 2.0, self.h + 2.0));
        points.push((-2.0, self.h + 2.0));
        self.polygon(&points, fill);
    }

    /// Fills any path.
    pub(super) fn path(&mut self, path: &Path, fill: Fill) {
        let paint = paint(fill);
        self.pixmap.fill_path(path, &paint, FillRule::Winding, Transform::identity(), None);
    }

    /// Draws along a path with round ends.
    pub(super) fn stroke(&mut self, path: &Path, breadth: f32, color: Color) {
        let stroke =
            Stroke { width: breadth, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        self.pixmap.stroke_path(path, &paint(Fill::Flat(color)), &stroke, Transform::identity(), None);
    }

    /// Draws a smooth line through points.
    pub(super) fn curve(&mut self, points: &[(f32, f32)], breadth: f32, color: Color) {
        if let Some(path) = smooth(points) {
            self.stroke(&path, breadth, color);
        }
    }

    /// Places a picture with rounded corners into a rectangle, turned around its middle.
    pub(super) fn photo(&mut self, photo: &Pixmap, place: Rect, radius: f32, degrees: f32) {
        let (sx, sy) = (place.width() / photo.width() as f32, place.height() / photo.height() as f32);
        let fit = Transform::from_row(sx, 0.0, 0.0, sy, place.x(), place.y());
        let shader =
            tiny_skia::Pattern::new(photo.as_ref(), SpreadMode::Pad, tiny_skia::FilterQuality::Bilinear, 1.0, fit);
        let paint = Paint { shader, anti_alias: true, ..Paint::default() };
        if let Some(path) = rounded(place.x(), place.y(), place.width(), place.height(), radius) {
            let turn =
                Transform::from_rotate_at(degrees, place.x() + place.width() / 2.0, place.y() + place.height() / 2.0);
            self.pixmap.fill_path(&path, &paint, FillRule::Winding, turn, None);
        }
    }
}

/// The first and one past the last pixel between two places on an edge of `size` pixels.
fn clip(from: f32, to: f32, size: f32) -> (usize, usize) {
    let first = from.clamp(0.0, size).floor() as usize;
    (first, (to.clamp(0.0, size).ceil() as usize).max(first))
}

/// A bell curve from 1 in the middle to 0 at the rim.
fn bell(distance: f32) -> f32 {
    let t = 1.0 - distance.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// The colour (0..255) of a gradient at a place.
fn ramp_at(stops: &[(f32, Color)], t: f32) -> [f32; 3] {
    let after = stops.iter().position(|(at, _)| *at >= t).unwrap_or(stops.len().saturating_sub(1));
    let before = after.saturating_sub(1);
    let Some(((from, a), (to, b))) = stops.get(before).zip(stops.get(after)) else { return [0.0; 3] };
    let share = if to > from { ((t - from) / (to - from)).clamp(0.0, 1.0) } else { 1.0 };
    let color = mix(*a, *b, share);
    [color.red(), color.green(), color.blue()].map(|c| (c * 255.0).min(254.99))
}

fn paint(fill: Fill) -> Paint<'static> {
    let shader = match fill {
        Fill::Flat(color) => Shader::SolidColor(color),
        Fill::Vertical(top, bottom, y0, y1) => gradient(top, bottom, (0.0, y0), (0.0, y1)),
        Fill::Linear(from, to, start, end) => gradient(from, to, start, end),
    };
    Paint { shader, anti_alias: true, ..Paint::default() }
}

fn gradient(a: Color, b: Color, start: (f32, f32), end: (f32, f32)) -> Shader<'static> {
    LinearGradient::new(
        Point::from_xy(start.0, start.1),
        Point::from_xy(end.0, end.1),
        vec![GradientStop::new(0.0, a), GradientStop::new(1.0, b)],
        SpreadMode::Pad,
        Transform::identity(),
    )
    .unwrap_or(Shader::SolidColor(a))
}

/// A smooth open path through points (Catmull-Rom as cubics).
pub(super) fn smooth(points: &[(f32, f32)]) -> Option<Path> {
    let first = points.first()?;
    let mut builder = PathBuilder::new();
    builder.move_to(first.0, first.1);
    for i in 0..points.len().saturating_sub(1) {
        let before = points[i.saturating_sub(1)];
        let (from, to) = (points[i], points[i + 1]);
        let after = points[(i + 2).min(points.len() - 1)];
        builder.cubic_to(
            from.0 + (to.0 - before.0) / 6.0,
            from.1 + (to.1 - before.1) / 6.0,
            to.0 - (after.0 - from.0) / 6.0,
            to.1 - (after.1 - from.1) / 6.0,
            to.0,
            to.1,
        );
    }
    builder.finish()
}

/// A leaf or petal: two bows from `base` in direction `angle` (radians, 0 = right, clockwise).
pub(super) fn leaf(base: (f32, f32), angle: f32, length: f32, breadth: f32) -> Option<Path> {
    let (sin, cos) = angle.sin_cos();
    let along = |t: f32, side: f32| {
        (base.0 + cos * length * t - sin * breadth * side, base.1 + sin * length * t + cos * breadth * side)
    };
    let mut builder = PathBuilder::new();
    builder.move_to(base.0, base.1);
    let (a, b, tip) = (along(0.25, 0.62), along(0.75, 0.5), along(1.0, 0.0));
    builder.cubic_to(a.0, a.1, b.0, b.1, tip.0, tip.1);
    let (a, b) = (along(0.75, -0.5), along(0.25, -0.62));
    builder.cubic_to(a.0, a.1, b.0, b.1, base.0, base.1);
    builder.close();
    builder.finish()
}

/// A rectangle with rounded corners.
fn rounded(x: f32, y: f32, w: f32, h: f32, radius: f32) -> Option<Path> {
    if !(w > 0.0 && h > 0.0) {
        return None;
    }
    let r = radius.clamp(0.0, w.min(h) / 2.0);
    // Where a cubic's handles lie to look like a quarter circle.
    let k = r * 0.447_7;
    let (right, bottom) = (x + w, y + h);
    let mut b = PathBuilder::new();
    b.move_to(x + r, y);
    b.line_to(right - r, y);
    b.cubic_to(right - k, y, right, y + k, right, y + r);
    b.line_to(right, bottom - r);
    b.cubic_to(right, bottom - k, right - k, bottom, right - r, bottom);
    b.line_to(x + r, bottom);
    b.cubic_to(x + k, bottom, x, bottom - k, x, bottom - r);
    b.line_to(x, y + r);
    b.cubic_to(x, y + k, x + k, y, x + r, y);
    b.close();
    b.finish()
}

/// Smooth noise along a line, about -1..1: the outline of hills and waves.
#[derive(Debug, Clone)]
pub(super) struct Outline {
    waves: Vec<(f32, f32, f32)>,
    sum: f32,
}

impl Outline {
    /// `octaves` layers of bumps, the first with about `bumps` over the breadth 0..1; each next one
    /// is about twice as fine and `roughness` times as high.
    pub(super) fn new(rng: &mut crate::seed::Rng, bumps: f32, octaves: usize, roughness: f32) -> Self {
        let mut waves = Vec::new();
        let (mut frequency, mut height, mut sum) = (bumps, 1.0, 0.0);
        for _ in 0..octaves {
            waves.push((frequency * rng.range(0.8, 1.2), height, rng.range(0.0, 40.0)));
            sum += height;
            frequency *= rng.range(1.8, 2.3);
            height *= roughness;
        }
        Self { waves, sum: sum.max(0.001) }
    }

    /// The height at `x`.
    pub(super) fn at(&self, x: f32) -> f32 {
        let total: f32 = self.waves.iter().map(|(frequency, height, phase)| height * bump(x * frequency + phase)).sum();
        total / self.sum
    }
}

/// Value noise with smooth steps between whole numbers.
fn bump(x: f32) -> f32 {
    let cell = x.floor();
    let t = x - cell;
    let smooth = t * t * (3.0 - 2.0 * t);
    let value = |i: f32| {
        let mut bits = (i as i64 as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        bits = (bits ^ (bits >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        ((bits >> 40) as f32 / (1u32 << 23) as f32) - 1.0
    };
    let (a, b) = (value(cell), value(cell + 1.0));
    a + (b - a) * smooth
}
