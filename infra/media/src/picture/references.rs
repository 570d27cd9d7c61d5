//! Hangs reference pictures into a scene as framed prints.

use tiny_skia::{Color, IntSize, Pixmap, Rect};

use super::canvas::{Canvas, Fill};
use super::codec::{Rgb, fit_cover, scale};
use super::palette::{Palette, with_alpha};
use crate::seed::Rng;

/// How much of the canvas the prints may cover, per edge.
const SHARE: f32 = 0.74;

/// Hangs all references, in reading order.
pub(super) fn hang(c: &mut Canvas, p: &Palette, rng: &mut Rng, references: &[Rgb]) {
    let count = references.len();
    if count == 0 {
        return;
    }
    let (columns, rows) = grid(count, c.w / c.h);
    let (cell_w, cell_h) = (c.w * SHARE / columns as f32, c.h * SHARE / rows as f32);
    let (left, top) = (c.w * (1.0 - SHARE) / 2.0, c.h * (1.0 - SHARE) / 2.0);
    for (i, reference) in references.iter().enumerate() {
        let (column, row) = (i % columns, i / columns);
        // The last row may be short; it hangs in the middle.
        let in_row = if row == rows - 1 { count - row * columns } else { columns };
        let indent = (columns - in_row) as f32 * cell_w / 2.0;
        let middle = (left + indent + (column as f32 + 0.5) * cell_w, top + (row as f32 + 0.5) * cell_h);
        let degrees = if count == 1 { 0.0 } else { rng.range(-2.6, 2.6) };
        print(c, p, reference, middle, (cell_w * 0.94, cell_h * 0.94), degrees);
    }
}

/// Columns and rows that make the cells most nearly square.
fn grid(count: usize, ratio: f32) -> (usize, usize) {
    let skew = |columns: usize| {
        let rows = count.div_ceil(columns);
        ((ratio * rows as f32 / columns as f32).ln().abs(), columns * rows - count)
    };
    let columns = (1..=count).min_by(|a, b| skew(*a).partial_cmp(&skew(*b)).unwrap_or(std::cmp::Ordering::Equal));
    let columns = columns.unwrap_or(1);
    (columns, count.div_ceil(columns))
}

/// One print: shadow, white frame, picture.
fn print(c: &mut Canvas, p: &Palette, reference: &Rgb, middle: (f32, f32), room: (f32, f32), degrees: f32) {
    // Very long or very high pictures are cropped to 5:2 or 2:5.
    let natural = reference.width as f32 / reference.height as f32;
    let ratio = natural.clamp(0.4, 2.5);
    let frame = (room.0.min(room.1) * 0.028).max(1.5);
    let (mut w, mut h) = (room.0 - 2.0 * frame, (room.0 - 2.0 * frame) / ratio);
    if h > room.1 - 2.0 * frame {
        (w, h) = ((room.1 - 2.0 * frame) * ratio, room.1 - 2.0 * frame);
    }
    if w < 2.0 || h < 2.0 {
        return;
    }
    let (x, y) = (middle.0 - w / 2.0, middle.1 - h / 2.0);
    for (grow, alpha) in [(3.2, 0.05), (2.4, 0.07), (1.6, 0.09), (0.9, 0.12)] {
        let g = frame * grow;
        let shadow = Fill::Flat(with_alpha(Color::BLACK, alpha));
        c.card((x - g, y - g + frame * 0.9, w + 2.0 * g, h + 2.0 * g), g + frame, degrees, shadow);
    }
    c.card((x - frame, y - frame, w + 2.0 * frame, h + 2.0 * frame), frame * 0.9, degrees, Fill::Flat(p.paper()));
    // Scaled with averaging first, so that large photographs do not sparkle.
    let sized = if (ratio - natural).abs() < 1e-6 {
        scale(reference, (w.round() as u32).max(1), (h.round() as u32).max(1))
    } else {
        fit_cover(reference, (w.round() as u32).max(1), (h.round() as u32).max(1))
    };
    if let (Some(photo), Some(place)) = (pixmap(&sized), Rect::from_xywh(x, y, w, h)) {
        c.photo(&photo, place, frame * 0.35, degrees);
    }
}

fn pixmap(rgb: &Rgb) -> Option<Pixmap> {
    let data = rgb.data.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
    Pixmap::from_vec(data, IntSize::from_wh(rgb.width, rgb.height)?)
}
