//! Abstract scenes: tiles, ribbons, soft lights.

use tiny_skia::PathBuilder;

use super::canvas::{Canvas, Fill, Outline};
use super::palette::{Palette, mix, with_alpha};
use crate::seed::Rng;

/// A grid of quarter circles, discs and bows, in the manner of old posters.
pub(super) fn tiles(c: &mut Canvas, p: &Palette, rng: &mut Rng) {
    let across = rng.between(4, 6) as f32;
    let columns = (across * (c.w / c.unit)).round().max(1.0);
    let rows = (across * (c.h / c.unit)).round().max(1.0);
    let (tw, th) = (c.w / columns, c.h / rows);
    let colors =
        [p.ramp(0.12), p.ramp(0.36), p.ramp(0.58), p.ramp(0.80), p.paper(), p.accent(0, 0.72), p.accent(1, 0.62)];
    for row in 0..rows as usize {
        for column in 0..columns as usize {
            let (x, y) = (column as f32 * tw, row as f32 * th);
            let ground = rng.below(colors.len());
            let figure = (ground + rng.between(1, colors.len() - 1)) % colors.len();
            let third = (figure + rng.between(1, colors.len() - 2)) % colors.len();
            c.rect(x - 0.4, y - 0.4, tw + 0.8, th + 0.8, Fill::Flat(colors[ground]));
            tile(c, rng, (x, y, tw, th), Fill::Flat(colors[figure]), Fill::Flat(colors[third]));
        }
    }
    c.light((c.w * 0.25, c.h * 0.15), c.unit * 1.2, 1.2, p.shine(), 0.10);
}

/// The figure of one tile.
fn tile(c: &mut Canvas, rng: &mut Rng, at: (f32, f32, f32, f32), figure: Fill, third: Fill) {
    let (x, y, w, h) = at;
    let corner = rng.below(4);
    match rng.below(7) {
        0 | 1 => {
            quarter(c, at, corner, 1.0, figure);
            quarter(c, at, corner, 0.5, third);
        }
        2 => {
            c.disc((x + w / 2.0, y + h / 2.0), w.min(h) * 0.40, figure);
            c.disc((x + w / 2.0, y + h / 2.0), w.min(h) * 0.18, third);
        }
        3 => {
            quarter(c, at, corner, 1.0, figure);
            quarter(c, at, (corner + 2) % 4, 0.55, third);
        }
        4 => {
            for i in 0..3 {
                let t = i as f32 / 3.0;
                c.rect(x + w * t, y, w / 6.0, h, if i % 2 == 0 { figure } else { third });
            }
        }
        5 => {
            let points = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)];
            c.polygon(&[points[corner], points[(corner + 1) % 4], points[(corner + 2) % 4]], figure);
        }
        _ => {
            quarter(c, at, corner, 1.0, figure);
            quarter(c, at, (corner + 1) % 4, 1.0, third);
        }
    }
}

/// A quarter disc in one corner of a tile.
fn quarter(c: &mut Canvas, at: (f32, f32, f32, f32), corner: usize, scale: f32, fill: Fill) {
    let (x, y, w, h) = at;
    let (cx, cy, sx, sy) = match corner % 4 {
        0 => (x, y, 1.0, 1.0),
        1 => (x + w, y, -1.0, 1.0),
        2 => (x + w, y + h, -1.0, -1.0),
        _ => (x, y + h, 1.0, -1.0),
    };
    let (rx, ry) = (w * scale * sx, h * scale * sy);
    let mut builder = PathBuilder::new();
    builder.move_to(cx, cy);
    builder.line_to(cx + rx, cy);
    builder.cubic_to(cx + rx, cy + ry * 0.552, cx + rx * 0.552, cy + ry, cx, cy + ry);
    builder.close();
    if let Some(path) = builder.finish() {
        c.path(&path, fill);
    }
}

/// Broad ribbons that flow across, each with a lit upper edge.
pub(super) fn ribbons(c: &mut Canvas, p: &Palette, rng: &mut Rng) {
    let flip = rng.chance(0.5);
    let tone = |t: f32| if flip { p.ramp(1.0 - t) } else { p.ramp(t) };
    c.backdrop(&[(0.0, tone(0.04)), (1.0, tone(0.2))], 0.0);
    let light = (c.w * rng.range(0.2, 0.8), c.h * rng.range(0.0, 0.3));
    c.light(light, c.unit * 0.9, 1.3, p.accent(0, 0.72), 0.34);
    let count = rng.between(7, 10);
    let swing = Outline::new(rng, 0.9, 2, 0.45);
    let drift = rng.range(0.6, 1.4);
    for i in 0..count {
        let t = i as f32 / (count - 1) as f32;
        let detail = Outline::new(rng, 1.3, 2, 0.4);
        let level = c.h * (0.10 + 0.86 * t);
        let height = c.unit * rng.range(0.12, 0.2);
        let at = |x: f32| {
            let u = x * c.w / c.unit;
            level + (swing.at(u * 0.8 + t * drift) * 1.25 + detail.at(u) * 0.35) * height
        };
        let edge: Vec<(f32, f32)> =
            (0..=160).map(|s| s as f32 / 160.0).map(|x| (x * (c.w + 4.0) - 2.0, at(x))).collect();
        // A soft shadow over what lies behind.
        for (offset, alpha) in [(0.030, 0.05), (0.018, 0.07), (0.008, 0.09)] {
            let above = edge.iter().map(|(x, y)| (*x, y - offset * c.unit));
            let shadow: Vec<(f32, f32)> = above.chain(edge.iter().rev().map(|(x, y)| (*x, y + 2.0))).collect();
            c.polygon(&shadow, Fill::Flat(with_alpha(p.ramp(0.0), alpha)));
        }
        let (a, b) = (tone(0.16 + 0.74 * t), tone(0.04 + 0.70 * t));
        let tint = if i % 4 == 2 { mix(a, p.accent(1, 0.68), 0.55) } else { a };
        c.ground(&edge, Fill::Linear(tint, b, (0.0, level - height), (c.w * 0.35, level + height * 2.4)));
        c.curve(&edge, c.unit * 0.0022, with_alpha(p.paper(), 0.32));
    }
}

/// Discs of light out of focus.
pub(super) fn lights(c: &mut Canvas, p: &Palette, rng: &mut Rng) {
    c.backdrop(&[(0.0, p.ramp(0.06)), (0.55, p.ramp(0.26)), (1.0, p.ramp(0.12))], rng.range(-50.0, 50.0));
    for i in 0..5 {
        let at = (rng.range(0.0, c.w), rng.range(0.0, c.h));
        let tone = if i % 2 == 0 { p.accent(i, 0.6) } else { p.ramp(0.6) };
        c.light(at, c.unit * rng.range(0.45, 0.8), 1.2, tone, 0.42);
    }
    let count = (46.0 * (c.w.max(c.h) / c.unit)) as usize;
    for i in 0..count {
        let size = c.unit * (0.012 + 0.085 * rng.unit().powi(2));
        let at = (rng.range(-0.02, 1.02) * c.w, rng.range(-0.02, 1.02) * c.h);
        let tone = match i % 4 {
            0 => p.accent(0, 0.80),
            1 => p.accent(1, 0.74),
            2 => p.ramp(0.9),
            _ => p.shine(),
        };
        let alpha = rng.range(0.07, 0.30);
        c.light(at, size * 1.9, 1.0, tone, alpha);
        c.disc(
            at,
            size,
            Fill::Linear(
                with_alpha(tone, alpha * 1.1),
                with_alpha(tone, alpha * 0.5),
                (at.0, at.1 - size),
                (at.0, at.1 + size),
            ),
        );
        c.ring(at, size, (size * 0.045).max(0.6), with_alpha(tone, alpha * 1.3));
    }
}
